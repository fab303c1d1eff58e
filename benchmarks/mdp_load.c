/*  The load for benchmarks/mdp.py in C, so that it costs less than the broker that it measures.

    mdp_load CLIENTS_ENDPOINT WORKERS_ENDPOINT SECONDS WORKERS WINDOW [mirror]

    Runs workers of the service "echo" in a thread, and one client that keeps WINDOW requests of 100 bytes under way.
    Prints requests/s and how many there were. `mirror`: workers send back whatever they get, for a proxy.
    Built with: cc -O2 -o mdp_load mdp_load.c -lzmq -lpthread  */

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define HEARTBEAT_S 2.0
#define LONGEST 65536

static void *context;
static const char *workers_endpoint;
static int worker_count;
static bool mirror;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void fail(const char *what)
{
    fprintf(stderr, "mdp_load: %s: %s\n", what, zmq_strerror(zmq_errno()));
    exit(1);
}

static void *dealer(const char *endpoint)
{
    void *socket = zmq_socket(context, ZMQ_DEALER);
    int unlimited = 0;
    zmq_setsockopt(socket, ZMQ_SNDHWM, &unlimited, sizeof unlimited);
    zmq_setsockopt(socket, ZMQ_RCVHWM, &unlimited, sizeof unlimited);
    if (zmq_connect(socket, endpoint) != 0)
        fail(endpoint);
    return socket;
}

static void say(void *socket, const void *data, size_t size, bool more)
{
    if (zmq_send(socket, data, size, more ? ZMQ_SNDMORE : 0) < 0)
        fail("send");
}

static int hear(void *socket, void *data)
{
    int size = zmq_recv(socket, data, LONGEST, 0);
    if (size < 0 || size > LONGEST)
        fail("receive");
    return size;
}

static bool more(void *socket)
{
    int value;
    size_t size = sizeof value;
    zmq_getsockopt(socket, ZMQ_RCVMORE, &value, &size);
    return value != 0;
}

static void command(void *socket, const char *letter, bool goes_on)
{
    say(socket, "", 0, true);
    say(socket, "MDPW01", 6, true);
    say(socket, letter, 1, goes_on);
}

/*  Answer all requests that have come: ["", "MDPW01", 2, client, "", body].  */
static void serve(void *socket)
{
    static char client[LONGEST], body[LONGEST], rest[LONGEST];
    while (zmq_recv(socket, rest, sizeof rest, ZMQ_DONTWAIT) >= 0) {
        hear(socket, rest);
        hear(socket, rest);
        if (rest[0] != 2 || !more(socket)) {
            while (more(socket))
                hear(socket, rest);
            continue;
        }
        int client_size = hear(socket, client);
        hear(socket, rest);
        int body_size = hear(socket, body);
        command(socket, "\x03", true);
        say(socket, client, client_size, true);
        say(socket, "", 0, true);
        say(socket, body, body_size, false);
    }
}

static void reflect(void *socket)
{
    static char frame[LONGEST];
    int size;
    while ((size = zmq_recv(socket, frame, sizeof frame, ZMQ_DONTWAIT)) >= 0) {
        bool goes_on = more(socket);
        say(socket, frame, size, goes_on);
        while (goes_on) {
            size = hear(socket, frame);
            goes_on = more(socket);
            say(socket, frame, size, goes_on);
        }
    }
}

static void *work(void *unused)
{
    (void)unused;
    zmq_pollitem_t *items = calloc(worker_count, sizeof *items);
    for (int i = 0; i < worker_count; i++) {
        items[i].socket = dealer(workers_endpoint);
        items[i].events = ZMQ_POLLIN;
        if (!mirror) {
            command(items[i].socket, "\x01", true);
            say(items[i].socket, "echo", 4, false);
        }
    }
    double due = now() + HEARTBEAT_S;
    for (;;) {
        zmq_poll(items, worker_count, (long)(HEARTBEAT_S * 1000));
        for (int i = 0; i < worker_count; i++)
            if (items[i].revents & ZMQ_POLLIN)
                (mirror ? reflect : serve)(items[i].socket);
        if (!mirror && now() >= due) {
            due = now() + HEARTBEAT_S;
            for (int i = 0; i < worker_count; i++)
                command(items[i].socket, "\x04", false);
        }
    }
    return NULL;
}

static void ask(void *socket)
{
    static const char body[100];
    say(socket, "", 0, true);
    say(socket, "MDPC01", 6, true);
    say(socket, "echo", 4, true);
    say(socket, body, sizeof body, false);
}

int main(int count, char **arguments)
{
    static char frame[LONGEST];
    pthread_t thread;
    if (count < 6) {
        fprintf(stderr, "usage: mdp_load CLIENTS_ENDPOINT WORKERS_ENDPOINT SECONDS WORKERS WINDOW [mirror]\n");
        return 2;
    }
    context = zmq_ctx_new();
    workers_endpoint = arguments[2];
    worker_count = atoi(arguments[4]);
    mirror = count > 6;
    pthread_create(&thread, NULL, work, NULL);
    void *client = dealer(arguments[1]);
    for (int i = atoi(arguments[5]); i > 0; i--)
        ask(client);
    long done = 0;
    double begun = now(), end = begun + atof(arguments[3]), time = begun;
    while (time < end) {
        for (int frames = 0; frames < 4; frames++)
            hear(client, frame);
        ask(client);
        if (++done % 64 == 0)
            time = now();
    }
    printf("%.1f %ld\n", done / (time - begun), done);
    fflush(stdout);
    _exit(0);
}
