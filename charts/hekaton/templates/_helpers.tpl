{{/* Labels of every object. Give (dict "root" $ "component" NAME). */}}
{{- define "hekaton.labels" -}}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: hekaton
{{ include "hekaton.selector" . }}
{{- end }}

{{/* The labels that pods are selected by; they never change. */}}
{{- define "hekaton.selector" -}}
app.kubernetes.io/name: hekaton
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* A whole image reference. Give (dict "root" $ "image" REFERENCE); one with a tag or digest stays as it is. */}}
{{- define "hekaton.image" -}}
{{- $images := .root.Values.images -}}
{{- if regexMatch "(@|:[^/]+$)" .image -}}
{{ .image }}
{{- else -}}
{{ with $images.registry }}{{ trimSuffix "/" . }}/{{ end }}{{ .image }}:{{ $images.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* Pod Security "restricted": of a pod, and of a container. */}}
{{- define "hekaton.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .uid }}
runAsGroup: {{ .uid }}
fsGroup: {{ .uid }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "hekaton.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Where the database is: one place for the operator, its migration and the test. */}}
{{- define "hekaton.databaseHost" -}}
{{- if .Values.postgres.enabled }}hekaton-postgres.{{ .Release.Namespace }}.svc{{ else }}{{ .Values.database.host }}{{ end -}}
{{- end }}

{{- define "hekaton.databasePort" -}}
{{- if .Values.postgres.enabled }}5432{{ else }}{{ int .Values.database.port }}{{ end -}}
{{- end }}

{{- define "hekaton.databaseSecret" -}}
{{- if .Values.postgres.enabled }}{{ .Values.postgres.existingSecret | default "hekaton-postgres" }}{{ else }}{{ .Values.database.existingSecret }}{{ end -}}
{{- end }}

{{- define "hekaton.databaseEnv" -}}
- {name: HEKATON_DB_HOST, value: {{ include "hekaton.databaseHost" . | quote }}}
- {name: HEKATON_DB_PORT, value: {{ include "hekaton.databasePort" . | quote }}}
- {name: HEKATON_DB_NAME, value: {{ .Values.database.name | quote }}}
- {name: HEKATON_DB_USER, value: {{ .Values.database.user | quote }}}
- name: HEKATON_DB_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ include "hekaton.databaseSecret" . }}
      key: {{ if .Values.postgres.enabled }}password{{ else }}{{ .Values.database.passwordKey }}{{ end }}
{{- end }}

{{/* What the schema cannot say in words that a person understands: all reasons at once. */}}
{{- define "hekaton.refuse" -}}
{{- $reasons := list -}}
{{- with .Values -}}
{{- if and .postgres.enabled .database.host -}}
{{- $reasons = append $reasons (printf "database.host is %q while postgres.enabled is true. Set postgres.enabled=false to use your own server, or leave database.host empty." .database.host) -}}
{{- end -}}
{{- if and .postgres.enabled .database.existingSecret -}}
{{- $reasons = append $reasons (printf "database.existingSecret is %q while postgres.enabled is true. Name the Secret of the chart's own Postgres in postgres.existingSecret." .database.existingSecret) -}}
{{- end -}}
{{- if and .postgres.enabled (eq .database.user "postgres") -}}
{{- $reasons = append $reasons "database.user is \"postgres\", the superuser of the chart's own Postgres. Give another name, such as hekaton." -}}
{{- end -}}
{{- if and (not .postgres.enabled) (not .database.host) -}}
{{- $reasons = append $reasons "database.host is empty while postgres.enabled is false. Give the host of your PostgreSQL server." -}}
{{- end -}}
{{- if and (not .postgres.enabled) (not .database.existingSecret) -}}
{{- $reasons = append $reasons "database.existingSecret is empty while postgres.enabled is false. Create a Secret with the password under the key of database.passwordKey, and name it." -}}
{{- end -}}
{{- if and .service.enabled (not .service.formation) -}}
{{- $reasons = append $reasons "service.formation is empty while service.enabled is true. Name the Formation that works on its missions." -}}
{{- end -}}
{{- end -}}
{{- if $reasons -}}
{{- fail (printf "\n- %s\n" (join "\n- " $reasons)) -}}
{{- end -}}
{{- end }}
