# What the scripts of a deploy share; read by them, never run. They take all they need from the
# environment, so that no secret is ever part of a command line or of a script's text.

fail() {
  echo "Cannot deploy as $*" >&2
  exit 1
}

# Ends the deploy unless each of these variables has a value. Says their names only.
needs() {
  local name
  for name in "$@"; do
    [[ "${!name:-}" =~ [^[:space:]] ]] || fail "$name must be set: it is empty"
  done
}

# A value without the blanks around it: a secret that was pasted often ends in a line break.
trimmed() {
  local value=$1
  value="${value#"${value%%[![:space:]]*}"}"
  printf %s "${value%"${value##*[![:space:]]}"}"
}

# Which class answers, and the file that deploys it: sets class_name, app_file and app_name.
choose_class() {
  class_name=$(trimmed "${FORESIGHT_MODAL_CLASS_NAME_OVERRIDE:-}")
  class_name=${class_name:-Gemma3VLMSession}
  case "$class_name" in
    Gemma3VLMSession) app_file=modal/gemma3_vlm_app.py ;;
    StreamingVLMSession) app_file=modal/streaming_vlm_app.py ;;
    *)
      fail "FORESIGHT_MODAL_CLASS_NAME_OVERRIDE must be Gemma3VLMSession, StreamingVLMSession or" \
        "empty: current value is $class_name"
      ;;
  esac
  [ -f "$app_file" ] || fail "$class_name must have its file: there is no $app_file"
  # The file that deploys the app alone knows its name.
  app_name=$(sed -nE 's/^APP_NAME = "([A-Za-z0-9._-]+)"$/\1/p' "$app_file")
  [ -n "$app_name" ] || fail "$app_file must have a line APP_NAME = \"...\": there is none"
}

# The Modal environment, `main` unless told otherwise.
modal_environment() {
  local name
  name=$(trimmed "${FORESIGHT_MODAL_ENVIRONMENT:-}")
  printf %s "${name:-main}"
}
