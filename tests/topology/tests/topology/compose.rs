//! `docker-compose.yml` fits the programs and itself. That it runs is shown in `run`.

use std::{collections::BTreeSet, time::Duration};

use sagaline_crash::Programs;
use sagaline_model::Span;
use sagaline_server::Version;
use sagaline_topology::{Compose, compose::Service, root, variables::unknown};

fn compose() -> Compose {
    Compose::read(&root().join("docker-compose.yml"))
}

/// The services that run programs of this repository.
fn ours(compose: &Compose) -> Vec<(&String, &Service)> {
    let found: Vec<_> = compose.services.iter().filter(|(_, service)| service.program() != "nats-server").collect();
    assert!(found.len() >= 4, "{:?}", compose.services.keys());
    found
}

#[test]
fn every_variable_is_known_to_its_program() {
    let (compose, programs) = (compose(), Programs::built());
    for (name, service) in ours(&compose) {
        let given = service.environment();
        let unknown = unknown(&programs.path(service.program()), given.keys());
        assert!(
            unknown.is_empty(),
            "service `{name}` is given {unknown:?}, which `{}` does not know",
            service.program()
        );
    }
}

#[test]
fn a_variable_that_a_program_does_not_know_is_found() {
    let given = ["SAGALINE_NATS_URL", "SAGALINE_QUEUES", "SAGALINE_PARTITIONS", "OTHER"].map(str::to_owned);
    let executor = Programs::built().path("sagaline-executor");
    assert_eq!(unknown(&executor, &given), ["SAGALINE_QUEUES", "SAGALINE_PARTITIONS"]);
}

#[test]
fn there_are_three_nats_nodes_and_every_service_knows_them_all() {
    let compose = compose();
    let servers = compose.started().filter(|(_, service)| service.program() == "nats-server");
    let nodes: BTreeSet<_> = servers.map(|(name, _)| name.to_owned()).collect();
    assert_eq!(nodes.len(), 3, "{nodes:?}");
    let urls: Vec<_> = nodes.iter().map(|node| format!("nats://{node}:4222")).collect();
    let monitors: Vec<_> = nodes.iter().map(|node| format!("http://{node}:8222")).collect();
    let routes: Vec<_> = nodes.iter().map(|node| format!("nats://{node}:6222")).collect();
    for (name, service) in &compose.services {
        let environment = service.environment();
        if nodes.contains(name) {
            assert_eq!(service.image, format!("nats:{}-alpine", Version::INSTALLED), "the tests run with another");
            assert!(routes.iter().all(|route| environment["NATS_ROUTES"].contains(route)), "{name}: {environment:?}");
            assert_eq!(environment["NATS_NAME"], *name, "a node is known by its own name");
        } else {
            assert_eq!(environment["SAGALINE_NATS_URL"], urls.join(","), "{name}");
            assert_eq!(environment["SAGALINE_NATS_MONITOR"], monitors.join(","), "{name}");
        }
    }
    let orchestrator = compose.services["orchestrator"].environment();
    assert_eq!(orchestrator["SAGALINE_REPLICAS"], nodes.len().to_string(), "every node holds every stream");
}

#[test]
fn what_is_kept_is_on_a_volume_of_its_own() {
    let compose = compose();
    let mounted =
        |service: &Service| service.volumes.iter().filter(|volume| !volume.starts_with('.')).cloned().collect();
    let all: Vec<String> = compose.services.values().flat_map(|service| -> Vec<_> { mounted(service) }).collect();
    let names: BTreeSet<_> = all.iter().map(|volume| volume.split(':').next().expect("a name")).collect();
    assert_eq!(names.len(), all.len(), "a volume is shared: {all:?}");
    assert_eq!(names, compose.volumes.keys().map(String::as_str).collect(), "declared and used");
}

#[test]
fn health_is_asked_where_it_is_served_and_nothing_is_open_to_the_world() {
    let compose = compose();
    for (name, service) in compose.started() {
        let check = service.healthcheck.as_ref().unwrap_or_else(|| panic!("`{name}` has no health check"));
        if let Some(http) = service.environment().get("SAGALINE_HTTP") {
            let port = http.rsplit(':').next().expect("a port");
            assert_eq!(check.url(), format!("http://127.0.0.1:{port}/readyz"), "{name}");
            assert_eq!(service.ports, [format!("127.0.0.1::{port}")], "{name}: replicas need a free port each");
        }
        assert!(service.ports.iter().all(|port| port.starts_with("127.0.0.1:")), "{name}: {:?}", service.ports);
        assert_eq!(service.restart.as_deref(), Some("unless-stopped"), "{name}");
    }
}

#[test]
fn an_executor_has_longer_to_end_than_its_tasks() {
    let compose = compose();
    let executor = &compose.services["executor"];
    let drain: Span = executor.environment()["SAGALINE_DRAIN"].parse().expect("a duration");
    assert!(executor.grace() > Duration::from(drain), "{:?}", executor.grace());
}
