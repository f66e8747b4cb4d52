//! The manifests fit the programs and each other. Schemas are `deploy/check`'s.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use sagaline_crash::Programs;
use sagaline_model::Span;
use sagaline_server::Version;
use sagaline_topology::{
    manifests::{Container, Manifests, list, pod, text, texts},
    root,
    variables::unknown,
};
use serde_json::Value;

fn environment(manifests: &Manifests, container: &Container<'_>) -> BTreeMap<String, String> {
    container.environment(manifests, |field| field.to_owned())
}

fn ours<'a>(containers: &'a [Container<'a>]) -> Vec<&'a Container<'a>> {
    let ours: Vec<_> = containers.iter().filter(|container| container.spec["image"] == "sagaline").collect();
    assert_eq!(ours.len(), 5, "trigger, orchestrator, compensator, scheduler, executor");
    ours
}

#[test]
fn every_variable_is_known_to_its_program() {
    let (manifests, programs) = (Manifests::read(), Programs::built());
    for container in ours(&manifests.containers()) {
        let (given, line) = (environment(&manifests, container), container.line());
        let unknown = unknown(&programs.path(&line[0]), given.keys());
        assert!(unknown.is_empty(), "`{}` is given {unknown:?}, which `{}` does not know", container.name(), line[0]);
    }
}

/// With NATS nowhere a program ends with 69, but with 64 if it does not understand what it is told.
#[test]
fn every_program_understands_what_it_is_told() {
    let (manifests, programs) = (Manifests::read(), Programs::built());
    let containers = manifests.containers();
    let nowhere = ("SAGALINE_NATS_URL".to_owned(), "nats://127.0.0.1:1".to_owned());
    // So that the code 64 is seen to come.
    let seeded = ("SAGALINE_LOG_FORMAT".to_owned(), "xml".to_owned());
    thread::scope(|scope| {
        for container in ours(&containers) {
            let mut given = environment(&manifests, container);
            let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a free port");
            given.insert("SAGALINE_HTTP".to_owned(), port.to_string());
            given.extend([nowhere.clone()]);
            let mut faulty = given.clone();
            faulty.extend([seeded.clone()]);
            for (given, code) in [(given, 69), (faulty, 64)] {
                let line = container.line();
                let mut command = Command::new(programs.path(&line[0]));
                command.args(&line[1..]).env_clear().envs(given).stdin(Stdio::null());
                scope.spawn(move || {
                    let output = command.output().expect("the program runs");
                    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                    assert_eq!(output.status.code(), Some(code), "{}: {said:?}", line[0]);
                });
            }
        }
    });
}

#[test]
fn ports_and_probes_are_where_the_programs_listen() {
    let manifests = Manifests::read();
    let containers = manifests.containers();
    for container in ours(&containers) {
        let http = &environment(&manifests, container)["SAGALINE_HTTP"];
        let declared = container.port("http").unwrap_or_else(|| panic!("`{}` declares no port", container.name()));
        assert_eq!(*http, format!("0.0.0.0:{declared}"), "{}", container.name());
        let probe = |name: &str| container.spec[name]["httpGet"]["path"].as_str();
        assert_eq!((probe("readinessProbe"), probe("livenessProbe")), (Some("/readyz"), Some("/healthz")));
    }
    for container in &containers {
        for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
            let port = &container.spec[probe]["httpGet"]["port"];
            assert!(port.is_null() || container.port(text(port)).is_some(), "{}: {probe}: {port}", container.name());
        }
    }
    for service in manifests.of_kind("Service") {
        for port in list(&service["spec"]["ports"]) {
            let leads_to =
                containers.iter().filter(|container| selects(&service["spec"]["selector"], container.workload));
            let ports: Vec<_> = leads_to.filter_map(|container| container.port(text(&port["targetPort"]))).collect();
            assert_eq!(ports, [u16::try_from(port["port"].as_u64().expect("a port")).expect("a port")], "{port}");
        }
    }
}

/// Whether all labels that are asked for stand on the pods of a workload.
fn selects(labels: &Value, workload: &Value) -> bool {
    let has = &workload["spec"]["template"]["metadata"]["labels"];
    labels.as_object().is_some_and(|labels| !labels.is_empty() && labels.iter().all(|(key, value)| has[key] == *value))
}

#[test]
fn selectors_find_their_pods_and_no_others() {
    let manifests = Manifests::read();
    let workloads = manifests.workloads();
    assert_eq!(workloads.len(), 6);
    for workload in &workloads {
        let name = text(&workload["metadata"]["name"]);
        let own = &workload["spec"]["selector"]["matchLabels"];
        let found: Vec<_> = workloads.iter().filter(|other| selects(own, other)).collect();
        assert_eq!(found, [workload], "the selector of `{name}`");
        let budget = manifests.named("PodDisruptionBudget", name).unwrap_or_else(|| panic!("no budget for `{name}`"));
        assert_eq!(budget["spec"]["selector"]["matchLabels"], *own, "{name}");
        for policy in manifests.of_kind("NetworkPolicy").filter(|policy| policy["metadata"]["name"] == name) {
            assert_eq!(policy["spec"]["podSelector"]["matchLabels"], *own, "{name}");
        }
        for spread in list(&pod(workload)["topologySpreadConstraints"]) {
            assert_eq!(spread["labelSelector"]["matchLabels"], *own, "{name}");
        }
    }
}

#[test]
fn nats_is_found_by_names_that_there_are() {
    let manifests = Manifests::read();
    let nats = manifests.named("StatefulSet", "nats").expect("NATS");
    let service = text(&nats["spec"]["serviceName"]);
    let headless = manifests.named("Service", service).expect("the service that names the pods");
    assert_eq!(headless["spec"]["clusterIP"], "None");
    let count = nats["spec"]["replicas"].as_u64().expect("a number");
    let named = |scheme, port: u16| {
        let names = (0..count).map(|number| format!("{scheme}://nats-{number}.{service}:{port}"));
        names.collect::<Vec<_>>()
    };
    let containers = manifests.containers();
    for container in ours(&containers) {
        let given = environment(&manifests, container);
        assert_eq!(given["SAGALINE_NATS_URL"], named("nats", 4222).join(","), "{}", container.name());
        assert_eq!(given["SAGALINE_NATS_MONITOR"], named("http", 8222).join(","), "{}", container.name());
        assert_eq!(given.get("SAGALINE_REPLICAS").unwrap_or(&count.to_string()), &count.to_string());
    }
    let node = containers.iter().find(|container| container.name() == "nats").expect("NATS");
    let given = environment(&manifests, node);
    assert_eq!(given["NATS_NAME"], "metadata.name");
    let known = named("nats", 6222).iter().all(|route| given["NATS_ROUTES"].contains(route));
    assert!(known, "{}", given["NATS_ROUTES"]);
    assert_eq!(node.spec["image"], format!("nats:{}-alpine", Version::INSTALLED), "the tests run with another");
}

#[test]
fn nats_reads_the_configuration_of_the_cluster_from_where_it_is_mounted() {
    let manifests = Manifests::read();
    let theirs = manifests.config_map("nats").expect("a ConfigMap");
    let original = std::fs::read_to_string(root().join("nats/cluster.conf")).expect("the configuration");
    assert!(
        theirs["cluster.conf"] == original,
        "deploy/kubernetes/cluster.conf is not nats/cluster.conf any more: `cp nats/cluster.conf deploy/kubernetes/`"
    );
    let containers = manifests.containers();
    let node = containers.iter().find(|container| container.name() == "nats").expect("NATS");
    let mounts = list(&node.spec["volumeMounts"]);
    let mounted = |name: &str| mounts.iter().find(|mount| mount["name"] == name).map(|mount| text(&mount["mountPath"]));
    let config = node.line().last().cloned().expect("it ends in the file");
    assert_eq!(mounted("config").map(|folder| format!("{folder}/cluster.conf")), Some(config));
    for port in list(&node.spec["ports"]) {
        let listens = format!("\"0.0.0.0:{}\"", port["containerPort"]);
        assert!(original.contains(&listens), "nats-server does not listen at {port}");
    }
    let claims = names_of(&manifests.named("StatefulSet", "nats").expect("NATS")["spec"]["volumeClaimTemplates"]);
    assert_eq!(claims, ["data"]);
    let store = mounted("data").expect("a folder for the data");
    assert!(original.contains(&format!("store_dir: \"{store}\"")), "nothing is kept in {store}");
}

fn names_of(claims: &Value) -> Vec<&str> {
    list(claims).iter().map(|claim| text(&claim["metadata"]["name"])).collect()
}

#[test]
fn pods_have_longer_to_end_than_their_work() {
    let manifests = Manifests::read();
    for container in ours(&manifests.containers()) {
        let grace = pod(container.workload)["terminationGracePeriodSeconds"].as_u64().expect("a grace");
        if let Some(drain) = environment(&manifests, container).get("SAGALINE_DRAIN") {
            let drain: Duration = drain.parse::<Span>().expect("a duration").into();
            assert!(Duration::from_secs(grace) > drain, "{}", container.name());
        }
    }
    let config = &manifests.config_map("nats").expect("a ConfigMap")["cluster.conf"];
    let lame =
        config.lines().find_map(|line| line.strip_prefix("lame_duck_duration: ")).expect("how long a node takes");
    let grace = &pod(manifests.named("StatefulSet", "nats").expect("NATS"))["terminationGracePeriodSeconds"];
    let grace = Duration::from_secs(grace.as_u64().expect("a grace"));
    let lame = lame.parse::<Span>().expect("a duration");
    assert!(grace > Duration::from(lame), "{grace:?} for {lame}");
}

#[test]
fn nothing_is_forgotten_and_the_image_is_of_this_version() {
    let manifests = Manifests::read();
    assert_eq!(manifests.forgotten(), Vec::<String>::new(), "files that `kustomization.yaml` does not name");
    assert!(texts(&manifests.kustomization["resources"]).contains(&"namespace.yaml".to_owned()));
    let [image] = list(&manifests.kustomization["images"]) else { panic!("one image") };
    assert_eq!((text(&image["name"]), text(&image["newTag"])), ("sagaline", env!("CARGO_PKG_VERSION")));
    let namespace = manifests.of_kind("Namespace").next().expect("a namespace");
    assert_eq!(namespace["metadata"]["name"], manifests.kustomization["namespace"]);
}

/// Compose and Kubernetes say the same where they say the same thing.
#[test]
fn the_same_settings_as_in_compose() {
    let manifests = Manifests::read();
    let compose = sagaline_topology::Compose::read(&root().join("docker-compose.yml"));
    for container in ours(&manifests.containers()) {
        let (mut pods, service) = (environment(&manifests, container), &compose.services[container.name()]);
        let mut containers = service.environment();
        // Names of hosts differ.
        for name in ["SAGALINE_NATS_URL", "SAGALINE_NATS_MONITOR"] {
            for map in [&mut pods, &mut containers] {
                map.remove(name).expect("everybody is told where NATS is");
            }
        }
        assert_eq!(pods, containers, "{}", container.name());
        assert_eq!(container.workload["spec"]["replicas"], u64::from(service.deploy.replicas), "{}", container.name());
        let grace = pod(container.workload)["terminationGracePeriodSeconds"].as_u64().map(Duration::from_secs);
        assert_eq!(grace, Some(service.grace()), "{}", container.name());
    }
}
