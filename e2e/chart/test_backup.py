"""Backups: off unless asked for; dumps stay whatever happens to the release."""

import pytest
from chart.conftest import EXTERNAL
from chart.helm import Helm
from chart.pods import specs
from chart.yamls import Object

ON = "backup.enabled=true"


def of(objects: list[Object], kind: str) -> dict[str, Object]:
    return {each["metadata"]["name"]: each for each in objects if each["kind"] == kind}


def environment(objects: list[Object], job: str) -> dict[str, Object]:
    [container] = specs(objects)[f"CronJob/{job}"]["containers"]
    return {each["name"]: each for each in container["env"]}


def test_nothing_is_backed_up_unless_asked_for(helm: Helm) -> None:
    assert of(helm.objects(), "CronJob") == {}


def test_one_job_dumps_by_the_clock_and_the_other_waits_for_a_person(helm: Helm) -> None:
    jobs = of(helm.objects(ON, "backup.schedule=0 1 * * *"), "CronJob")
    assert jobs["hekaton-backup"]["spec"]["schedule"] == "0 1 * * *"
    assert jobs["hekaton-backup"]["spec"]["suspend"] is False
    assert jobs["hekaton-restore"]["spec"]["suspend"] is True


def test_a_restore_can_only_read_the_dumps(helm: Helm) -> None:
    [container] = specs(helm.objects(ON))["CronJob/hekaton-restore"]["containers"]
    [mount] = [each for each in container["volumeMounts"] if each["name"] == "backup"]
    assert mount["readOnly"] is True


def test_the_dumps_outlive_the_release(helm: Helm) -> None:
    claims = of(helm.objects(ON), "PersistentVolumeClaim")
    annotations = claims["hekaton-backup"]["metadata"]["annotations"]
    assert annotations == {"helm.sh/resource-policy": "keep"}


def test_a_claim_of_ones_own_is_used_and_none_is_made(helm: Helm) -> None:
    objects = helm.objects(ON, "backup.storage.existingClaim=mine")
    assert of(objects, "PersistentVolumeClaim") == {}
    for job in ("hekaton-backup", "hekaton-restore"):
        [volume, *_] = specs(objects)[f"CronJob/{job}"]["volumes"]
        assert volume["persistentVolumeClaim"] == {"claimName": "mine"}


@pytest.mark.parametrize("job", ["hekaton-backup", "hekaton-restore"])
def test_a_database_of_ones_own_is_dumped_where_it_is(helm: Helm, job: str) -> None:
    said = environment(helm.objects(*EXTERNAL, ON), job)
    assert said["PGHOST"]["value"] == "db.example.com"
    assert said["PGPASSWORD"]["valueFrom"]["secretKeyRef"] == {"name": "pw", "key": "password"}


def test_the_scripts_are_those_that_are_tried_on_a_real_database(helm: Helm) -> None:
    scripts = of(helm.objects(ON), "ConfigMap")["hekaton-backup"]["data"]
    assert set(scripts) == {"dump.sh", "restore.sh"}
    assert all(text.startswith("#!/bin/sh") for text in scripts.values())
