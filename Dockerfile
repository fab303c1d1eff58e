# Every image of actorkit. `kit build` makes them; by hand:
#   docker build --target runtime -t actorkit/runtime:0.1.0 .
#   docker build --target actor --build-arg NAME=xslt --build-arg EXTRA=xml -t actorkit/xslt:0.1.0 .
#   docker build --target actor --build-arg NAME=shop --build-arg CODE=examples/orders/shop -t orders/execute:0.1.0 .
# It needs nothing but the classic builder: no mounts, no heredocs, no syntax line.

ARG PYTHON=python:3.13-slim
# The stage, or an image that is there already, that actors are layered on.
ARG RUNTIME=runtime

# ---- what the runtime depends on, installed and stripped of what no process reads
FROM ${PYTHON} AS runtime-build
WORKDIR /build
COPY pyproject.toml ./
COPY kit/actorkit_kit/image/inside/ ./actorkit_kit/image/inside/
RUN python -m actorkit_kit.image.inside.install runtime --project pyproject.toml --target /opt/actorkit/lib
COPY runtime/ /opt/actorkit/runtime/
RUN install -D -m 0755 actorkit_kit/image/inside/ready /opt/actorkit/bin/ready \
    && install -d -m 0700 -o 10001 -g 10001 /var/lib/actorkit/dead-letters /var/lib/actorkit/data \
    && python -m compileall -q --invalidation-mode unchecked-hash /opt/actorkit/runtime

# ---- the layers that all images share
FROM ${PYTHON} AS runtime
COPY --from=runtime-build /opt/actorkit/lib/ /opt/actorkit/lib/
COPY --from=runtime-build /opt/actorkit/bin/ /opt/actorkit/bin/
COPY --from=runtime-build /opt/actorkit/runtime/ /opt/actorkit/runtime/
# A volume that is mounted here for the first time takes over its owner.
COPY --from=runtime-build --chown=10001:10001 /var/lib/actorkit/ /var/lib/actorkit/
# An author's own modules come last, after the standard library: a queue.py there is nobody's `import queue`.
RUN python -c "import sysconfig; open(sysconfig.get_path('purelib') + '/actorkit.pth', 'w').write('/opt/actorkit/code\n')"
ENV PYTHONPATH=/opt/actorkit/actors:/opt/actorkit/extra:/opt/actorkit/runtime:/opt/actorkit/lib \
    PYTHONSAFEPATH=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /tmp
STOPSIGNAL SIGTERM
EXPOSE 5550 9600
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 CMD ["/opt/actorkit/bin/ready"]
ENTRYPOINT ["python", "-m", "actorkit"]
ARG PYTHON
ARG VERSION=0.1.0
ARG DIGEST=""
LABEL org.opencontainers.image.title="actorkit/runtime" \
      org.opencontainers.image.description="The runtime of actorkit, and its broker" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${PYTHON}" \
      io.actorkit.digest="${DIGEST}"

# ---- what one actor needs besides: the extra of the distribution, the package that publishes it, the author's requirements.
# Beside an author's code the stock actors are there as Python alone: hardly any is imported.
FROM ${RUNTIME} AS actor-build
ARG EXTRA=""
ARG PACKAGE=""
ARG CODE=actors
WORKDIR /tmp
COPY --chown=10001:10001 kit/actorkit_kit/image/inside/ ./actorkit_kit/image/inside/
COPY --chown=10001:10001 actors/ ./actors/
COPY --chown=10001:10001 ${CODE}/ ./code/
RUN PYTHONPATH=".:${PYTHONPATH}" \
    python -m actorkit_kit.image.inside.install actor --extra "${EXTRA}" --package "${PACKAGE}" --code code --target extra \
    && if [ -d code/actorkit_actors ]; then rm -r code/actorkit_actors && set -- actors; fi \
    && python -m compileall -q --invalidation-mode unchecked-hash -p /opt/actorkit code "$@"

# ---- one actor
FROM ${RUNTIME} AS actor
COPY --from=actor-build /tmp/extra/ /opt/actorkit/extra/
COPY --from=actor-build /tmp/actors/ /opt/actorkit/actors/
COPY --from=actor-build /tmp/code/ /opt/actorkit/code/
ARG NAME=actor
ARG VERSION=0.1.0
ARG DIGEST=""
LABEL org.opencontainers.image.title="${NAME}" \
      org.opencontainers.image.description="An actor on the runtime of actorkit" \
      org.opencontainers.image.version="${VERSION}" \
      io.actorkit.actor="${NAME}" \
      io.actorkit.digest="${DIGEST}"
