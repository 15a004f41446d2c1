"""A version that is deployed is in ZenML's list of services, whatever others do meanwhile."""

import json

from tests.deployment.project import ServingProject

DEPLOY = """
import json
from deployment import flavor
from switchyard.bundle.digest import FILES, digest_files
from deployment.host import Deployment, Instance, Release
from deployment.registration import active_deployer, ensure_deployer

class Host:
    instances, deleted = [], []

    def name_for(self, release):
        return f"v{release.version}"

    def inspect(self, model):
        return Deployment(model, "http://door", "http://door", None, tuple(self.instances))

    def start(self, release, timeout_s):
        # Somebody lists services while this one starts, as `zenml model-deployer models list` does.
        active_deployer().find_model_server()
        self.instances.append(Instance(f"v{release.version}", release.version, release.digest, "live", "http://pod", "ready"))
        return self.instances[-1]

    def delete(self, model, name, timeout_s):
        self.deleted.append(name)

ensure_deployer()
host, origin = Host(), {"pipeline_name": "deployment", "pipeline_step_name": "deploy_version"}
flavor._process_host = lambda *_: host
deployer, files = active_deployer(), dict.fromkeys(FILES, b"{}")
def deploy(version):
    deployer.deploy(Release("loans", version, digest_files(files), files), origin)

deploy("1")
deploy("1")
several = [deployer._describe(Release("others", str(n), digest_files(files), files), f"v{n}", origin) for n in range(25)]
for config in several:
    flavor.record(config)
found = deployer.find_model_server()
assert len(found) == 26, found
assert len(deployer.find_model_server(service_uuid=found[3].uuid)) == len(deployer.find_model_server(service_name="others-v7")) == 1
for service in found[:25]:
    flavor.Client().delete_service(service.uuid)
shown = [(s.config.instance, s.is_running, s.prediction_url, s.config.pipeline_step_name) for s in deployer.find_model_server()]
def away(config):
    raise OSError("ZenML is away")
flavor.record = away
try:
    deploy("2")
except OSError as error:
    print(json.dumps([shown, host.deleted, str(error)]))
"""


def test_a_version_is_shown_among_many_though_services_are_listed_while_it_starts_and_ends_where_it_can_not_be(tmp_path):
    project = ServingProject(tmp_path)
    assert project.run("stack", "up", "local").code == 0
    script = project.root / "deploy_twice.py"
    script.write_text(DEPLOY)
    output = project.call(str(script))
    assert output.rstrip().endswith("]"), output
    shown, deleted, error = json.loads(output.splitlines()[-1])

    assert shown == [["v1", True, "http://door/predict", "deploy_version"]]
    assert (deleted, error) == (["v2"], "ZenML is away")
