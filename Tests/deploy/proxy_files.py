"""What the proxies' files say, beside what the server does: idle times, names with underscores, repetitions."""
import re

import yaml
from google.protobuf import json_format
from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
# Imported so that the types that the file names by URL are known.
from envoy.extensions.filters.http.router.v3 import router_pb2  # noqa: F401
from envoy.extensions.filters.network.http_connection_manager.v3 import http_connection_manager_pb2
from envoy.extensions.transport_sockets.tls.v3 import tls_pb2  # noqa: F401
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2

from files import expect, read, settings

KEY = "x-idempotency-key"
# Where each file says how long it keeps an idle connection to the server.
IDLE = {"Deploy/nginx.conf": r"keepalive_timeout (\d+)s", "Deploy/haproxy.cfg": r"timeout http-keep-alive (\d+)s",
        "Deploy/apache.conf": r"ttl=(\d+)", "Deploy/envoy.yaml": r"idle_timeout: (\d+)s",
        "Deploy/aws-alb.yaml": r'idle_timeout\.timeout_seconds, Value: "(\d+)"'}


class Template(yaml.SafeLoader):
    """CloudFormation's short forms are taken as the words that they are."""


Template.add_multi_constructor("!", lambda loader, suffix, node: f"{suffix} {node.value}")


def check_idle_times(server):
    """Each gives up before the server; nginx-stream leaves it to the server."""
    limit = int(settings(server, {})["idle-timeout"])
    for path, pattern in IDLE.items():
        found = [int(seconds) for seconds in re.findall(pattern, read(path))]
        expect(found and max(found) < limit, f"{path} keeps idle connections for {found} s, the server for {limit} s")
    [stream] = re.findall(r"proxy_timeout (\d+)s", read("Deploy/nginx-stream.conf"))
    expect(int(stream) > limit, f"nginx-stream.conf ends idle connections after {stream} s, the server after {limit} s")


def check_public_url():
    """Each sample says what links in answers need."""
    for path in [*IDLE, "Deploy/nginx-stream.conf"]:
        for name in ("public-url = https://", "trusted-proxies"):
            expect(name in read(path), f"{path} says nothing of {name}")


def check_envoy():
    bootstrap = json_format.ParseDict(yaml.safe_load(read("Deploy/envoy.yaml")), Bootstrap())
    [listener] = bootstrap.static_resources.listeners
    manager = http_connection_manager_pb2.HttpConnectionManager()
    expect(listener.filter_chains[0].filters[0].typed_config.Unpack(manager), "envoy.yaml has no HTTP connection manager")
    options = manager.common_http_protocol_options
    expect(options.headers_with_underscores_action == options.ALLOW, "Envoy drops header names with underscores")
    [host] = manager.route_config.virtual_hosts
    expect(not host.HasField("retry_policy"), "envoy.yaml repeats everything")
    repeating = [route for route in host.routes if route.route.HasField("retry_policy")]
    expect([[matcher.name for matcher in route.match.headers] for route in repeating] == [[KEY]],
           "envoy.yaml repeats what has no idempotency key")
    upstream = http_protocol_options_pb2.HttpProtocolOptions()
    [cluster] = bootstrap.static_resources.clusters
    expect(all(packed.Unpack(upstream) for packed in cluster.typed_extension_protocol_options.values()), "the cluster's options")


def check_load_balancer():
    resources = yaml.load(read("Deploy/aws-alb.yaml"), Template)["Resources"]  # a SafeLoader
    attributes = {entry["Key"]: entry["Value"] for entry in resources["LoadBalancer"]["Properties"]["LoadBalancerAttributes"]}
    expect(attributes["routing.http.drop_invalid_header_fields.enabled"] == "true", "AWS's checks refuse aws-alb.yaml")
    expect(attributes["routing.http.xff_header_processing.mode"] == "append", "the client's address does not arrive")
    target = resources["Servers"]["Properties"]
    expect((target["Port"], target["HealthCheckPath"]) == (8080, "/readyz"), "aws-alb.yaml asks other places")
