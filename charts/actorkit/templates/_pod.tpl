{{/* The pod of an actor: everything that a Deployment and a StatefulSet have in common. (list $ actor) */}}
{{- define "actorkit.pod" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $actor := include "actorkit.actor" . | fromJson -}}
metadata:
  labels:
    {{- include "actorkit.labels" (list $root $name $actor.podLabels) | nindent 4 }}
  annotations:
    {{- include "actorkit.podAnnotations" (list $root $name $actor) | nindent 4 }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  serviceAccountName: {{ include "actorkit.podAccount" (list $root $name $actor) | quote }}
  terminationGracePeriodSeconds: {{ $actor.terminationGracePeriodSeconds }}
  {{- with concat $root.Values.global.imagePullSecrets $root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . | quote }}
    {{- end }}
  {{- end }}
  {{- with $actor.priorityClassName }}
  priorityClassName: {{ . | quote }}
  {{- end }}
  {{- with $actor.runtimeClassName }}
  runtimeClassName: {{ . | quote }}
  {{- end }}
  {{- with $actor.dnsPolicy }}
  dnsPolicy: {{ . | quote }}
  {{- end }}
  {{- with $actor.dnsConfig }}
  dnsConfig:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $actor.hostAliases }}
  hostAliases:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- toYaml $actor.podSecurityContext | nindent 4 }}
  {{- with $actor.initContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: actor
      image: {{ include "actorkit.image" (list $root $actor.image) | quote }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      env:
        {{- include "actorkit.env" (list $root $name $actor) | nindent 8 }}
      {{- with $actor.extraEnvFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        {{- if $actor.receives }}
        - name: inbox
          containerPort: 5550
          protocol: TCP
        {{- end }}
        - name: admin
          containerPort: 9600
          protocol: TCP
        {{- range $port, $spec := $actor.ports }}
        {{- if not (has (int $spec.containerPort) (list 5550 9600)) }}
        - name: {{ include "actorkit.portName" (list $port) | quote }}
          containerPort: {{ $spec.containerPort }}
          protocol: TCP
        {{- end }}
        {{- end }}
      {{- include "actorkit.probes" (list $root $actor) | nindent 6 }}
      {{- $before := dict }}
      {{- if and $actor.preStopSleepSeconds (semverCompare ">=1.30-0" $root.Capabilities.KubeVersion.Version) }}
      {{- $before = dict "preStop" (dict "sleep" (dict "seconds" (int $actor.preStopSleepSeconds))) }}
      {{- end }}
      {{- with merge (deepCopy $actor.lifecycle) (ternary dict $before (hasKey $actor.lifecycle "preStop")) }}
      lifecycle:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      resources:
        {{- toYaml $actor.resources | nindent 8 }}
      securityContext:
        {{- toYaml $actor.securityContext | nindent 8 }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        {{- range $parameter, $spec := $actor.keeps }}
        - name: {{ include "actorkit.volume" (list "keeps" $parameter) }}
          mountPath: {{ $spec.target | quote }}
        {{- end }}
        {{- range $key, $file := $actor.files }}
        - name: files
          mountPath: {{ $file.target | quote }}
          subPath: {{ $key | quote }}
          readOnly: true
        {{- end }}
        {{- range $secret, $spec := $actor.secrets }}
        - name: {{ include "actorkit.volume" (list "secret" $secret) }}
          mountPath: {{ $spec.target | quote }}
          subPath: {{ $secret | quote }}
          readOnly: true
        {{- end }}
        {{- with $actor.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    {{- with $actor.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    - name: tmp
      emptyDir:
        sizeLimit: {{ $actor.tmpSize }}
    {{- range $parameter, $spec := $actor.keeps }}
    {{- if $spec.existingClaim }}
    - name: {{ include "actorkit.volume" (list "keeps" $parameter) }}
      persistentVolumeClaim:
        claimName: {{ $spec.existingClaim | quote }}
    {{- else if $root.Values.storage.ephemeral }}
    - name: {{ include "actorkit.volume" (list "keeps" $parameter) }}
      emptyDir:
        sizeLimit: {{ default $root.Values.storage.size $spec.size }}
    {{- end }}
    {{- end }}
    {{- if $actor.files }}
    - name: files
      configMap:
        name: {{ include "actorkit.name" (list $root $name) | quote }}
    {{- end }}
    {{- range $secret, $spec := $actor.secrets }}
    - name: {{ include "actorkit.volume" (list "secret" $secret) }}
      secret:
        secretName: {{ include "actorkit.secretName" (list $root $secret) | quote }}
        defaultMode: 0440
        items:
          - key: {{ include "actorkit.secretKey" (list $root $secret) | quote }}
            path: {{ $secret | quote }}
    {{- end }}
    {{- with $actor.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- if $actor.spread }}
  topologySpreadConstraints:
    {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "actorkit.selector" (list $root $name) | nindent 10 }}
      {{- if include "actorkit.isStateless" (list $actor) }}
      # Pods of one revision are spread among themselves: those that are about to go do not count.
      matchLabelKeys:
        - pod-template-hash
      {{- end }}
    {{- end }}
  {{- end }}
  {{- with $actor.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $actor.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with merge (deepCopy $actor.affinity) (include "actorkit.antiAffinity" (list $root $name $actor) | fromYaml) }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* The annotations of a pod, each once. (list $ actor merged-actor) */}}
{{- define "actorkit.podAnnotations" -}}
{{- $root := index . 0 -}}
{{- $actor := index . 2 -}}
{{- $annotations := dict "kubectl.kubernetes.io/default-container" "actor" -}}
{{- if and $root.Values.monitoring.enabled (not (include "actorkit.podMonitors" $root)) -}}
{{- $scraped := dict "prometheus.io/scrape" "true" "prometheus.io/port" "9600" "prometheus.io/path" "/metrics" -}}
{{- $annotations = mergeOverwrite $annotations $scraped -}}
{{- end -}}
{{- $annotations = mergeOverwrite $annotations (deepCopy $root.Values.commonAnnotations) -}}
{{- $annotations = mergeOverwrite $annotations (deepCopy (default dict $actor.podAnnotations)) -}}
{{- with $actor.files -}}
{{- $_ := set $annotations "checksum/config" (toJson . | sha256sum) -}}
{{- end -}}
{{- with $actor.envBase64 -}}
{{- $_ := set $annotations "checksum/env" (toJson . | sha256sum) -}}
{{- end -}}
{{- if $actor.secrets -}}
{{- $_ := set $annotations "checksum/secret" (include "actorkit.secretsChecksum" .) -}}
{{- end -}}
{{- toYaml $annotations -}}
{{- end -}}

{{/* The environment, each variable once: what is added wins over the actor's own, and that over what all have.
     Kubernetes reads "$$" as "$" (and "$(NAME)" as a reference), so every "$" is doubled. (list $ actor merged-actor) */}}
{{- define "actorkit.env" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $actor := index . 2 -}}
{{- $added := list "ACTORKIT_INSTANCE" -}}
{{- range $actor.extraEnv -}}{{- $added = append $added .name -}}{{- end -}}
{{- $values := dict "ACTORKIT_LOG_FORMAT" $root.Values.log.format "ACTORKIT_LOG_LEVEL" $root.Values.log.level -}}
{{- $values = mergeOverwrite $values (deepCopy (default dict $actor.env)) -}}
{{- range $key, $value := $actor.endpoints -}}{{- $_ := set $values $key (tpl $value $root) -}}{{- end -}}
- name: ACTORKIT_INSTANCE
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- range $key, $value := $values }}
{{- if not (has $key $added) }}
- name: {{ $key | quote }}
  value: {{ $value | replace "$" "$$" | quote }}
{{- end }}
{{- end }}
{{- range $key, $_ := $actor.envBase64 }}
{{- if not (has $key $added) }}
- name: {{ $key | quote }}
  valueFrom:
    secretKeyRef:
      name: {{ include "actorkit.envSecret" (list $root $name) | quote }}
      key: {{ $key | quote }}
{{- end }}
{{- end }}
{{- with $actor.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A hash of the secrets of an actor, as far as the chart knows them. (list $ actor) */}}
{{- define "actorkit.secretsChecksum" -}}
{{- $root := index . 0 -}}
{{- $actor := index $root.Values.actors (index . 1) -}}
{{- $all := "" -}}
{{- range $secret, $spec := $actor.secrets -}}
{{- $all = printf "%s|%s|%s|%s" $all $secret (include "actorkit.secretName" (list $root $secret)) ($root.Files.Get (printf "secrets/%s" $secret)) -}}
{{- end -}}
{{- $all | sha256sum -}}
{{- end -}}

{{/* The probes of a container; each can be turned off. (list $ values with startupProbe, readinessProbe, livenessProbe) */}}
{{- define "actorkit.probes" -}}
{{- $values := index . 1 -}}
{{- $probes := dict -}}
{{- range $probe, $path := dict "startupProbe" "/healthz" "readinessProbe" "/readyz" "livenessProbe" "/healthz" -}}
{{- $given := index $values $probe -}}
{{- if $given.enabled -}}
{{- $_ := set $probes $probe (merge (dict "httpGet" (dict "path" $path "port" "admin")) (omit $given "enabled")) -}}
{{- end -}}
{{- end -}}
{{- with $probes -}}{{- toYaml . -}}{{- end -}}
{{- end -}}

{{/* Whether an actor runs as a Deployment: it keeps nothing. (list merged-actor) */}}
{{- define "actorkit.isStateless" -}}
{{- $actor := index . 0 -}}
{{- if not (or (ne $actor.kind "actor") $actor.keeps) -}}true{{- end -}}
{{- end -}}

{{/* The preset that keeps pods of an actor apart. (list $ actor merged-actor) */}}
{{- define "actorkit.antiAffinity" -}}
{{- $term := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" (dict "matchLabels" (include "actorkit.selector" (list (index . 0) (index . 1)) | fromYaml)) -}}
{{- $preset := (index . 2).podAntiAffinityPreset -}}
{{- if eq $preset "hard" -}}
{{- dict "podAntiAffinity" (dict "requiredDuringSchedulingIgnoredDuringExecution" (list $term)) | toYaml -}}
{{- else if eq $preset "soft" -}}
{{- dict "podAntiAffinity" (dict "preferredDuringSchedulingIgnoredDuringExecution" (list (dict "weight" 100 "podAffinityTerm" $term))) | toYaml -}}
{{- end -}}
{{- end -}}

{{/* The ServiceAccount of an actor's pods: one of its own where it has annotations for one. (list $ actor merged-actor) */}}
{{- define "actorkit.podAccount" -}}
{{- if (index . 2).serviceAccountAnnotations -}}
{{- include "actorkit.name" (list (index . 0) (index . 1)) -}}
{{- else -}}
{{- include "actorkit.serviceAccountName" (index . 0) -}}
{{- end -}}
{{- end -}}
