"""Puts 1,000 registered models of 100 versions each into the SQLite file of an MLflow server.

The rows go past the REST API, which would take hours; an entry through it must be there already, so
that the tables are and the run can be named. Prints the run's id, for RegistrySpeed.

    mlflow server --port 5000 --workers 1 --backend-store-uri sqlite:///mlflow.db \
        --artifacts-destination artifacts
    python mlflow_registry.py mlflow.db http://127.0.0.1:5000
"""
import json
import sqlite3
import sys
import urllib.request

DATABASE, SERVER = sys.argv[1:]
MODELS, EACH, TEAMS, BEGIN = 1000, 100, 1000, 1767225600000


def post(path, **body):
    request = urllib.request.Request(
        f"{SERVER}/api/2.0/mlflow/{path}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def main():
    experiment = post("experiments/create", name="registry-speed")["experiment_id"]
    run = post("runs/create", experiment_id=experiment)["run"]["info"]
    source = run["artifact_uri"] + "/model"
    models, versions, tags, aliases = [], [], [], []
    for model in range(MODELS):
        name = f"model-{model:04d}"
        models.append((name, BEGIN, BEGIN, ""))
        aliases.append(("production", EACH // 2, name))
        for number in range(1, EACH + 1):
            n = model * EACH + number
            text = f"finds subject{n % 500} in letters of kind{n % 7}"
            at = BEGIN + n * 1000
            versions.append((name, number, at, at, text, source, run["run_id"], source))
            tags.append(("team", f"team-{n % TEAMS}", name, number))
    with sqlite3.connect(DATABASE, timeout=60) as rows:
        rows.executemany(
            "INSERT INTO registered_models (name, creation_time, last_updated_time, description)"
            " VALUES (?, ?, ?, ?)",
            models,
        )
        rows.executemany(
            "INSERT INTO model_versions (name, version, creation_time, last_updated_time,"
            " description, source, run_id, storage_location, current_stage, status, run_link)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'None', 'READY', '')",
            versions,
        )
        rows.executemany(
            'INSERT INTO model_version_tags ("key", value, name, version) VALUES (?, ?, ?, ?)', tags
        )
        rows.executemany(
            "INSERT INTO registered_model_aliases (alias, version, name) VALUES (?, ?, ?)", aliases
        )
        print(run["experiment_id"], run["run_id"], rows.total_changes, "rows")


main()
