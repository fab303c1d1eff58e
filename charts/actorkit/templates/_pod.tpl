{{/* The pod of an actor: everything that a Deployment and a StatefulSet have in common. (list $ actor) */}}
{{- define "actorkit.pod" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $actor := include "actorkit.actor" . | fromYaml -}}
metadata:
  labels:
    {{- include "actorkit.labels" . | nindent 4 }}
    {{- with $actor.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: actor
    {{- with $actor.files }}
    checksum/config: {{ toJson . | sha256sum }}
    {{- end }}
    {{- if $actor.secrets }}
    checksum/secret: {{ include "actorkit.secretsChecksum" . }}
    {{- end }}
    {{- if and $root.Values.monitoring.enabled (not (include "actorkit.podMonitors" $root)) }}
    prometheus.io/scrape: "true"
    prometheus.io/port: "9600"
    prometheus.io/path: /metrics
    {{- end }}
    {{- with $root.Values.commonAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- with $actor.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  serviceAccountName: {{ include "actorkit.serviceAccountName" $root }}
  terminationGracePeriodSeconds: {{ $actor.terminationGracePeriodSeconds }}
  {{- with concat $root.Values.global.imagePullSecrets $root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . | quote }}
    {{- end }}
  {{- end }}
  {{- with $actor.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    {{- toYaml $actor.podSecurityContext | nindent 4 }}
  containers:
    - name: actor
      image: {{ include "actorkit.image" (list $root $actor.image) | quote }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      env:
        {{- include "actorkit.env" (list $root $actor) | nindent 8 }}
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
        - name: {{ $port }}
          containerPort: {{ $spec.containerPort }}
          protocol: TCP
        {{- end }}
        {{- end }}
      startupProbe:
        httpGet:
          path: /healthz
          port: admin
        {{- toYaml $actor.startupProbe | nindent 8 }}
      readinessProbe:
        httpGet:
          path: /readyz
          port: admin
        {{- toYaml $actor.readinessProbe | nindent 8 }}
      livenessProbe:
        httpGet:
          path: /healthz
          port: admin
        {{- toYaml $actor.livenessProbe | nindent 8 }}
      {{- if and $actor.preStopSleepSeconds (semverCompare ">=1.30-0" $root.Capabilities.KubeVersion.Version) }}
      lifecycle:
        preStop:
          sleep:
            seconds: {{ $actor.preStopSleepSeconds }}
      {{- end }}
      resources:
        {{- toYaml $actor.resources | nindent 8 }}
      securityContext:
        {{- toYaml $actor.securityContext | nindent 8 }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        {{- if hasKey $actor.env "ACTORKIT_DEAD_LETTERS" }}
        - name: dead-letters
          mountPath: {{ index $actor.env "ACTORKIT_DEAD_LETTERS" }}
        {{- end }}
        {{- range $parameter, $spec := $actor.keeps }}
        - name: keeps-{{ $parameter | lower | replace "_" "-" }}
          mountPath: {{ $spec.target }}
        {{- end }}
        {{- range $key, $file := $actor.files }}
        - name: files
          mountPath: {{ $file.target }}
          subPath: {{ $key }}
          readOnly: true
        {{- end }}
        {{- range $secret, $spec := $actor.secrets }}
        - name: secret-{{ $secret | lower | replace "_" "-" | replace "." "-" }}
          mountPath: {{ $spec.target }}
          subPath: {{ $secret }}
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
    {{- if hasKey $actor.env "ACTORKIT_DEAD_LETTERS" }}
    - name: dead-letters
      {{- with $root.Values.deadLetters.existingClaim }}
      persistentVolumeClaim:
        claimName: {{ . }}
      {{- else }}
      emptyDir:
        sizeLimit: {{ $root.Values.deadLetters.size }}
      {{- end }}
    {{- end }}
    {{- range $parameter, $spec := $actor.keeps }}
    {{- with $spec.existingClaim }}
    - name: keeps-{{ $parameter | lower | replace "_" "-" }}
      persistentVolumeClaim:
        claimName: {{ . }}
    {{- end }}
    {{- end }}
    {{- if $actor.files }}
    - name: files
      configMap:
        name: {{ include "actorkit.name" (list $root $name) }}
    {{- end }}
    {{- range $secret, $spec := $actor.secrets }}
    - name: secret-{{ $secret | lower | replace "_" "-" | replace "." "-" }}
      secret:
        secretName: {{ include "actorkit.secretName" (list $root $secret) }}
        defaultMode: 0440
        items:
          - key: {{ include "actorkit.secretKey" (list $root $secret) }}
            path: {{ $secret }}
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
  {{- with $actor.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* The environment: settings, endpoints with this release's names in them, and what is added. (list $ merged-actor) */}}
{{- define "actorkit.env" -}}
{{- $root := index . 0 -}}
{{- $actor := index . 1 -}}
- name: ACTORKIT_LOG_FORMAT
  value: {{ $root.Values.log.format | quote }}
- name: ACTORKIT_LOG_LEVEL
  value: {{ $root.Values.log.level | quote }}
- name: ACTORKIT_INSTANCE
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- range $key, $value := $actor.env }}
- name: {{ $key }}
  value: {{ $value | replace "$(" "$$(" | quote }}
{{- end }}
{{- range $key, $value := $actor.endpoints }}
- name: {{ $key }}
  value: {{ tpl $value $root | quote }}
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
