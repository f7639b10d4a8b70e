#!/usr/bin/env bash
# From the survey to a tuned model in service, on the emulator: prepare, check, submit, watch, deploy, run, evaluate,
# promote. Costs nothing and needs no key. Usage: ./finetune.sh [WORK_FOLDER]     (beside this file: study.yaml, persona.j2
# and the survey; NPORS_SAV may name the survey instead)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
work=${1:-$here/tuned}
port=${PORT:-8765}
nightpoll=${NIGHTPOLL:-nightpoll}
emulator=${EMULATOR:-python -m emulator}
survey=NPORS_2024_for_public_release.sav

mkdir -p "$work" && cd "$work"
cp "$here/persona.j2" .
[ -e "$survey" ] || ln -s "${NPORS_SAV:-$here/$survey}" "$survey"

# the study without its arms; both of ours give probabilities, so that log loss can be told
sed '/^arms:/,$d' "$here/study.yaml" > study.yaml
cat >> study.yaml <<'YAML'
arms:
  base: {model: mini, strategy: logprobs}
YAML
# for Azure OpenAI: your own base_url, account and keys, `auth: key` and no arm_url
cat > models.yaml <<YAML
models:
  mini:
    provider: azure_v1
    model: gpt-4.1-mini
    parameters: {temperature: 0, max_completion_tokens: 16}
    price: {input: 0.40, cached_input: 0.10, output: 1.60, per_tokens: 1_000_000, as_of: 2026-11-01}
    tuning:
      training_type: GlobalStandard
      usd_per_million_tokens: 5.0
      account: /subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/emulated
      arm_url: http://127.0.0.1:$port
      token_env: ARM_TOKEN
      usd_per_hour: 1.70
    deployments:
      - {name: emulator, base_url: "http://127.0.0.1:$port/openai/v1", auth: none, rpm: 600_000, tpm: 600_000_000}
YAML
export ARM_TOKEN=${ARM_TOKEN:-emulated} NIGHTPOLL_STORE=${NIGHTPOLL_STORE:-$work/runs}

$emulator --port "$port" --profile azure_v1 --batch-speed 100 --ready-file emulator.json &
emulator_pid=$!
trap 'kill $emulator_pid 2>/dev/null || true' EXIT
until [ -e emulator.json ]; do kill -0 $emulator_pid && sleep 0.2; done

$nightpoll finetune prepare study.yaml --arm base --out training
$nightpoll finetune check training/training.jsonl --price 5
$nightpoll finetune submit training --model mini --suffix npors --seed 7 --yes
job=$($nightpoll finetune list --json | python -c 'import json, sys; print(json.load(sys.stdin)["jobs"][-1]["key"])')
$nightpoll finetune watch "$job" --every 0.5 --chart curves.html
$nightpoll finetune deploy "$job" --name npors-tuned --register npors-tuned

# the candidate is asked by its version; a first one has to be no worse than the model that it was tuned from
sed -i 's/^  base:.*/  base: {model: mini, strategy: logprobs, respondents: test}/' study.yaml
echo '  tuned: {model: npors-tuned@v1, strategy: logprobs, respondents: test}' >> study.yaml
$nightpoll run study.yaml --run-id tuned --yes
$nightpoll evaluate tuned --split test
$nightpoll models compare tuned --arm tuned --against base
$nightpoll models promote npors-tuned --version v1 --run tuned
