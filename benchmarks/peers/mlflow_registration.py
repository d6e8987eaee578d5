"""Registers models with MLflow's client and a SQLite file, in process, for RegistrationSpeed.

Reads lines "FOLDER NAME"; for each, logs the folder's files as a model, registers it under the name
as the next version, points the alias "champion" to it, and prints the version's number.

    python mlflow_registration.py FOLDER client     # the fewest calls of MlflowClient that do it
    python mlflow_registration.py FOLDER pyfunc     # mlflow.pyfunc.log_model, as most users call it
"""
import pathlib
import sys

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

FOLDER, MODE = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
FOLDER.mkdir(parents=True, exist_ok=True)
STORE = f"sqlite:///{FOLDER}/mlflow.db"
mlflow.set_tracking_uri(STORE)
mlflow.set_registry_uri(STORE)
CLIENT = MlflowClient(tracking_uri=STORE, registry_uri=STORE)
KNOWN = set()


def experiment():
    found = CLIENT.get_experiment_by_name("speed")
    if found:
        return found.experiment_id
    return CLIENT.create_experiment("speed", artifact_location=(FOLDER / "artifacts").as_uri())


EXPERIMENT = experiment()


def by_client(folder, name):
    model = CLIENT.create_logged_model(EXPERIMENT, name=name)
    CLIENT.log_model_artifacts(model.model_id, folder)
    CLIENT.finalize_logged_model(model.model_id, "READY")
    return CLIENT.create_model_version(
        name, source=model.artifact_location, model_id=model.model_id
    ).version


def by_pyfunc(folder, name):
    with mlflow.start_run(experiment_id=EXPERIMENT):
        return mlflow.pyfunc.log_model(
            name="model",
            loader_module="json",
            data_path=folder,
            pip_requirements=["mlflow"],
            registered_model_name=name,
        ).registered_model_version


def main():
    register = {"client": by_client, "pyfunc": by_pyfunc}[MODE]
    for line in sys.stdin:
        folder, name = line.split()
        if name not in KNOWN:
            try:
                CLIENT.create_registered_model(name)
            except MlflowException as e:
                if e.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            KNOWN.add(name)
        version = register(folder, name)
        CLIENT.set_registered_model_alias(name, "champion", str(version))
        print(version, flush=True)


main()
