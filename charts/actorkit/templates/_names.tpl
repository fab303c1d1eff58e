{{/* A text of at most so many characters; what is longer ends with a hash, so that two of them never become one.
     (list text limit) */}}
{{- define "actorkit.cut" -}}
{{- $text := index . 0 -}}
{{- $limit := int (index . 1) -}}
{{- if le (len $text) $limit -}}
{{- $text -}}
{{- else -}}
{{- printf "%s-%s" ($text | trunc (int (sub $limit 9)) | trimSuffix "-") ($text | sha256sum | trunc 8) -}}
{{- end -}}
{{- end -}}

{{/* A text as part of a DNS label (RFC 1123 §2.1): as it is where it is one, else flattened, with a hash of what it was.
     (list text limit) */}}
{{- define "actorkit.label" -}}
{{- $text := index . 0 -}}
{{- if regexMatch "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$" $text -}}
{{- include "actorkit.cut" . -}}
{{- else -}}
{{- $flat := $text | lower | replace "_" "-" | replace "." "-" | trimAll "-" -}}
{{- $flat = $flat | trunc (int (sub (index . 1) 9)) | trimSuffix "-" -}}
{{- printf "%s-%s" $flat ($text | sha256sum | trunc 8) | trimPrefix "-" -}}
{{- end -}}
{{- end -}}

{{/* The first part of every name. That of a Service begins with a letter (RFC 1035 §2.3.1). */}}
{{- define "actorkit.fullname" -}}
{{- $name := include "actorkit.label" (list (default .Release.Name .Values.fullnameOverride) 52) -}}
{{- regexMatch "^[0-9]" $name | ternary (printf "r%s" $name | trunc 52) $name -}}
{{- end -}}

{{/* The name of the chart in labels. */}}
{{- define "actorkit.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "actorkit.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{/* The name of an actor's objects, of at most 52 characters so that a StatefulSet can have it. (list $ actor) */}}
{{- define "actorkit.name" -}}
{{- $last := include "actorkit.cut" (list (index . 1) 40) -}}
{{- printf "%s-%s" (include "actorkit.cut" (list (include "actorkit.fullname" (index . 0)) (int (sub 51 (len $last))))) $last -}}
{{- end -}}

{{/* The name of the Service of an actor's published port: ACTOR-PORT, with a hash where an actor or another port has that
     name already. (list $ actor port) */}}
{{- define "actorkit.portService" -}}
{{- $root := index . 0 -}}
{{- $name := printf "%s-%s" (index . 1) (include "actorkit.label" (list (index . 2) 40)) -}}
{{- $taken := ternary 1 0 (hasKey $root.Values.actors $name) -}}
{{- range $actor, $spec := $root.Values.actors -}}
{{- range $port, $_ := $spec.ports -}}
{{- if eq $name (printf "%s-%s" $actor (include "actorkit.label" (list $port 40))) -}}{{- $taken = add1 $taken -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- if gt (int $taken) 1 -}}
{{- $name = printf "%s-%s" ($name | trunc 31 | trimSuffix "-") (printf "%s/%s" (index . 1) (index . 2) | sha256sum | trunc 8) -}}
{{- end -}}
{{- include "actorkit.name" (list $root $name) -}}
{{- end -}}

{{/* The name of a port inside of a pod and a Service (IANA service name, RFC 6335 §5.1): at most 15 characters, and not
     that of a port that every pod has. (list port) */}}
{{- define "actorkit.portName" -}}
{{- $port := index . 0 -}}
{{- if and (regexMatch "^[a-z]([a-z0-9]|-[a-z0-9])*$" $port) (le (len $port) 15) (not (has $port (list "inbox" "admin"))) -}}
{{- $port -}}
{{- else -}}
{{- $flat := regexReplaceAll "-+" ($port | lower | replace "_" "-" | replace "." "-") "-" | trimAll "-" | trunc 6 | trimSuffix "-" -}}
{{- printf "%s-%s" $flat ($port | sha256sum | trunc 8) | trimPrefix "-" -}}
{{- end -}}
{{- end -}}

{{/* The name whose addresses are an actor's pods. (list $ actor) */}}
{{- define "actorkit.host" -}}
{{- include "actorkit.name" . -}}
{{- end -}}

{{/* The labels that select: they never change. (list $ actor) */}}
{{- define "actorkit.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ default $root.Chart.Name $root.Values.nameOverride | trunc 63 | trimSuffix "-" | quote }}
app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
app.kubernetes.io/component: {{ index . 1 | quote }}
{{- end -}}

{{/* The labels that all pods of a release have in common. */}}
{{- define "actorkit.releaseSelector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* All labels, each once: those that are given win over those of all, and none over those that select.
     (list $ component [labels]) */}}
{{- define "actorkit.labels" -}}
{{- $root := index . 0 -}}
{{- $labels := dict
  "app.kubernetes.io/version" $root.Chart.AppVersion
  "app.kubernetes.io/part-of" (default $root.Release.Name $root.Values.topology)
  "app.kubernetes.io/managed-by" $root.Release.Service
  "helm.sh/chart" (include "actorkit.chart" $root)
  "io.actorkit.topology" (default $root.Release.Name $root.Values.topology) -}}
{{- $labels = mergeOverwrite $labels (deepCopy $root.Values.commonLabels) -}}
{{- if gt (len .) 2 -}}{{- $labels = mergeOverwrite $labels (deepCopy (default dict (index . 2))) -}}{{- end -}}
{{- $labels = mergeOverwrite $labels (include "actorkit.selector" (list $root (index . 1)) | fromYaml) -}}
{{- toYaml $labels -}}
{{- end -}}

{{/* The metadata of an object. (list $ name component [labels [annotations]]) */}}
{{- define "actorkit.metadata" -}}
{{- $root := index . 0 -}}
{{- $labels := dict -}}
{{- $annotations := deepCopy $root.Values.commonAnnotations -}}
{{- if gt (len .) 3 -}}{{- $labels = index . 3 -}}{{- end -}}
{{- if gt (len .) 4 -}}{{- $annotations = mergeOverwrite $annotations (index . 4) -}}{{- end -}}
name: {{ index . 1 | quote }}
namespace: {{ include "actorkit.namespace" $root | quote }}
labels:
  {{- include "actorkit.labels" (list $root (index . 2) $labels) | nindent 2 }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "actorkit.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "actorkit.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* An image, with the registry before it. (list $ image) */}}
{{- define "actorkit.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $registry := coalesce $image.registry $root.Values.global.imageRegistry $root.Values.image.registry "" -}}
{{- $name := printf "%s:%s" $image.repository (toString $image.tag) -}}
{{- if $image.digest -}}{{- $name = printf "%s@%s" $image.repository $image.digest -}}{{- end -}}
{{- if $registry -}}{{- printf "%s/%s" (trimSuffix "/" $registry) $name -}}{{- else -}}{{- $name -}}{{- end -}}
{{- end -}}

{{/* An actor's values over the defaults, as JSON: Helm's YAML loses a line's end at the end of a text, and reads some of
     the characters that it writes as others, or not at all. (list $ actor) */}}
{{- define "actorkit.actor" -}}
{{- $root := index . 0 -}}
{{- mergeOverwrite (deepCopy $root.Values.defaults) (index $root.Values.actors (index . 1)) | toJson -}}
{{- end -}}

{{/* Whether Prometheus' operator is there. */}}
{{- define "actorkit.podMonitors" -}}
{{- if .Capabilities.APIVersions.Has "monitoring.coreos.com/v1/PodMonitor" -}}true{{- end -}}
{{- end -}}

{{/* The name of the Secret with a secret's content. (list $ secret) */}}
{{- define "actorkit.secretName" -}}
{{- $root := index . 0 -}}
{{- $secret := default dict (index $root.Values.secrets (index . 1)) -}}
{{- default (include "actorkit.name" (list $root (include "actorkit.label" (list (index . 1) 40)))) $secret.existingSecret -}}
{{- end -}}

{{/* The key of a secret's content in its Secret. (list $ secret) */}}
{{- define "actorkit.secretKey" -}}
{{- $root := index . 0 -}}
{{- $secret := default dict (index $root.Values.secrets (index . 1)) -}}
{{- default (index . 1) $secret.key -}}
{{- end -}}

{{/* The name of a volume: at most 63 characters. (list prefix name) */}}
{{- define "actorkit.volume" -}}
{{- printf "%s-%s" (index . 0) (include "actorkit.label" (list (index . 1) (int (sub 62 (len (index . 0)))))) -}}
{{- end -}}

{{/* A rule for what an actor reaches outside. A NetworkPolicy knows no names: where the host is one, or all, the port is
     open to networkPolicy.egressTo. (list $ destination) */}}
{{- define "actorkit.egressRule" -}}
{{- $root := index . 0 -}}
{{- $destination := index . 1 -}}
{{- $rule := dict -}}
{{- if $destination.cidr -}}
{{- $_ := set $rule "to" (list (dict "ipBlock" (dict "cidr" $destination.cidr))) -}}
{{- else if $root.Values.networkPolicy.egressTo -}}
{{- $_ := set $rule "to" $root.Values.networkPolicy.egressTo -}}
{{- end -}}
{{- if $destination.port -}}
{{- $_ := set $rule "ports" (list (dict "port" (int $destination.port) "protocol" "TCP")) -}}
{{- end -}}
{{- list $rule | toYaml -}}
{{- end -}}

{{/* The name of the Secret with the variables of an actor that Helm does not carry as texts; no other name has a dot.
     (list $ actor) */}}
{{- define "actorkit.envSecret" -}}
{{- printf "%s.env" (include "actorkit.name" .) -}}
{{- end -}}

{{/* Whether an autoscaler decides how many pods an actor has. (list $ merged-actor) */}}
{{- define "actorkit.isScaled" -}}
{{- if and (index . 1).scale (index . 0).Values.autoscaling.enabled -}}true{{- end -}}
{{- end -}}

{{/* What the tally sums up: actor, `host:port` of who tells how much waits for it, and the names that it has there; as
     JSON. Empty where no autoscaler asks it. */}}
{{- define "actorkit.tallied" -}}
{{- $root := . -}}
{{- $of := dict -}}
{{- if and .Values.autoscaling.enabled (eq .Values.autoscaling.trigger "metrics-api") -}}
{{- range $name, $actor := .Values.actors -}}
{{- if dig "scale" "waiting" 0 $actor -}}
{{- $hosts := dict -}}
{{- range $upstream, $names := $actor.scale.upstreams -}}
{{- $_ := set $hosts (printf "%s:9600" (include "actorkit.host" (list $root $upstream))) $names -}}
{{- end -}}
{{- $_ := set $of $name $hosts -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with $of -}}{{- toJson . -}}{{- end -}}
{{- end -}}

{{/* The actors that tell the tally how much waits, as JSON. */}}
{{- define "actorkit.tellers" -}}
{{- $tellers := dict -}}
{{- if include "actorkit.tallied" . -}}
{{- range $actor := .Values.actors -}}
{{- range $upstream, $_ := dig "scale" "upstreams" (dict) $actor -}}{{- $_ := set $tellers $upstream true -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- keys $tellers | sortAlpha | toJson -}}
{{- end -}}

{{/* The component of the tally; no actor's name begins with a digit. */}}
{{- define "actorkit.tally" -}}0-tally{{- end -}}

{{/* The component of the console, as that of the tally. */}}
{{- define "actorkit.console" -}}0-console{{- end -}}

{{/* The query by which Prometheus tells how much waits for an actor: at its senders, and at the brokers whose services it
     answers for. (list $ actor merged-actor) */}}
{{- define "actorkit.waitingQuery" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $topology := default $root.Release.Name $root.Values.topology -}}
{{- $namespace := include "actorkit.namespace" $root -}}
{{- $parts := list -}}
{{- range $upstream, $names := (index . 2).scale.upstreams -}}
{{- if eq (index $root.Values.actors $upstream).kind "broker" -}}
{{- $services := list -}}
{{- range $names -}}{{- $services = append $services (regexQuoteMeta . | replace "\\" "\\\\" | replace "\"" "\\\"") -}}{{- end -}}
{{- $of := printf "topology=%q, namespace=%q, actor=%q, service=~\"%s\"" $topology $namespace $upstream (join "|" $services) -}}
{{- $parts = append $parts (printf "sum(actorkit_broker_queue_depth{%s} + actorkit_broker_busy_workers{%s})" $of $of) -}}
{{- else -}}
{{- $parts = append $parts (printf "sum(actorkit_waiting{topology=%q, namespace=%q, actor=%q, destination=%q})" $topology $namespace $upstream $name) -}}
{{- end -}}
{{- end -}}
{{- join " + " $parts -}}
{{- end -}}

{{/* A file of monitoring/ for this release: its namespace and name, and a name of its own for what must have one. (list $ file) */}}
{{- define "actorkit.monitoring" -}}
{{- $root := index . 0 -}}
{{- $namespace := include "actorkit.namespace" $root -}}
{{- $uid := printf "%s/%s" $namespace $root.Release.Name | sha256sum | trunc 12 -}}
{{- $root.Files.Get (index . 1) | replace "@namespace" $namespace | replace "@release" $root.Release.Name | replace "@uid" $uid -}}
{{- end -}}
