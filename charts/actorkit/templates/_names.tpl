{{/* The first part of every name. */}}
{{- define "actorkit.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
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
{{- $actor := index . 1 -}}
{{- $first := include "actorkit.fullname" (index . 0) | trunc (int (sub 51 (len $actor))) | trimSuffix "-" -}}
{{- printf "%s-%s" $first $actor -}}
{{- end -}}

{{/* The name whose addresses are an actor's pods. (list $ actor) */}}
{{- define "actorkit.host" -}}
{{- include "actorkit.name" . -}}
{{- end -}}

{{/* The labels that select: they never change. (list $ actor) */}}
{{- define "actorkit.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ default $root.Chart.Name $root.Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* The labels that all pods of a release have in common. */}}
{{- define "actorkit.releaseSelector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* All labels. (list $ component) */}}
{{- define "actorkit.labels" -}}
{{- $root := index . 0 -}}
{{ include "actorkit.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: {{ default $root.Release.Name $root.Values.topology }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ include "actorkit.chart" $root }}
io.actorkit.topology: {{ default $root.Release.Name $root.Values.topology }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The metadata of an object. (list $ name component [labels [annotations]]) */}}
{{- define "actorkit.metadata" -}}
{{- $root := index . 0 -}}
{{- $labels := dict -}}
{{- $annotations := deepCopy $root.Values.commonAnnotations -}}
{{- if gt (len .) 3 -}}{{- $labels = index . 3 -}}{{- end -}}
{{- if gt (len .) 4 -}}{{- $annotations = mergeOverwrite $annotations (index . 4) -}}{{- end -}}
name: {{ index . 1 }}
namespace: {{ include "actorkit.namespace" $root }}
labels:
  {{- include "actorkit.labels" (list $root (index . 2)) | nindent 2 }}
  {{- with $labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
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

{{/* An actor's values over the defaults, as YAML. (list $ actor) */}}
{{- define "actorkit.actor" -}}
{{- $root := index . 0 -}}
{{- mergeOverwrite (deepCopy $root.Values.defaults) (index $root.Values.actors (index . 1)) | toYaml -}}
{{- end -}}

{{/* Whether Prometheus' operator is there. */}}
{{- define "actorkit.podMonitors" -}}
{{- if .Capabilities.APIVersions.Has "monitoring.coreos.com/v1/PodMonitor" -}}true{{- end -}}
{{- end -}}

{{/* The name of the Secret with a secret's content. (list $ secret) */}}
{{- define "actorkit.secretName" -}}
{{- $root := index . 0 -}}
{{- $secret := default dict (index $root.Values.secrets (index . 1)) -}}
{{- default (include "actorkit.name" (list $root (index . 1 | lower | replace "_" "-" | replace "." "-"))) $secret.existingSecret -}}
{{- end -}}

{{/* The key of a secret's content in its Secret. (list $ secret) */}}
{{- define "actorkit.secretKey" -}}
{{- $root := index . 0 -}}
{{- $secret := default dict (index $root.Values.secrets (index . 1)) -}}
{{- default (index . 1) $secret.key -}}
{{- end -}}
