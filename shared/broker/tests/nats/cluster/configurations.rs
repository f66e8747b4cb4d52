//! The configurations that come with Sagaline: each is one that the server takes, and the cluster's makes a cluster.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use sagaline_broker::nats::{DiskSync, Installation, connect, durability};
use sagaline_model::Name;
use sagaline_server::{Finder, free_ports};
use sagaline_testkit::site::{Folder, eventually};

const ROUTES: &str = "[nats://nats-1:6222, nats://nats-2:6222, nats://nats-3:6222]";

fn server() -> Command {
    let mut command = Command::new(Finder::from_env().find_or_install(|_| ()).unwrap().path());
    command.stdin(Stdio::null()).env_remove("NATS_NAME").env_remove("NATS_ROUTES");
    command
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../nats").join(name)
}

/// What nats-server says of a configuration without running it.
fn check(name: &str, variables: &[(&str, &str)]) -> (bool, String) {
    let checked = server().arg("-t").arg("--config").arg(file(name)).envs(variables.iter().copied()).output();
    let Output { status, stdout, stderr } = checked.unwrap();
    (status.success(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

#[test]
fn every_configuration_is_one_that_the_server_takes() {
    let (name, routes) = (("NATS_NAME", "nats-1"), ("NATS_ROUTES", ROUTES));
    for (file, variables) in [("dev.conf", &[][..]), ("single.conf", &[name]), ("cluster.conf", &[name, routes])] {
        let (taken, said) = check(file, variables);
        assert!(taken && said.contains("is valid"), "{file}: {said}");
    }
    let (taken, said) = check("cluster.conf", &[name]);
    assert!(!taken && said.contains("NATS_ROUTES"), "a variable that is missing is named: {said}");
}

/// A node of the cluster, from the file itself: only its addresses and its folder are others.
struct Node(Child);

impl Node {
    fn start(folder: &Path, number: usize, ports: &[u16]) -> Self {
        let [client, monitor, route] = [0, 3, 6].map(|of| ports[of + number]);
        let store = folder.join(format!("node-{number}"));
        let mut here = std::fs::read_to_string(file("cluster.conf")).unwrap();
        for (there, now) in [
            ("0.0.0.0:4222", format!("127.0.0.1:{client}")),
            ("0.0.0.0:8222", format!("127.0.0.1:{monitor}")),
            ("0.0.0.0:6222", format!("127.0.0.1:{route}")),
            ("\"/data\"", format!("\"{}\"", store.display())),
        ] {
            assert!(here.contains(there), "{there} is not in the file");
            here = here.replace(there, &now);
        }
        let config = folder.join(format!("node-{number}.conf"));
        std::fs::write(&config, here).unwrap();
        let routes: Vec<String> = ports[6..].iter().map(|port| format!("nats://127.0.0.1:{port}")).collect();
        let mut command = server();
        command.arg("--config").arg(&config).env("NATS_NAME", format!("nats-{number}"));
        command.env("NATS_ROUTES", format!("[{}]", routes.join(", ")));
        command.stdout(Stdio::null()).stderr(std::fs::File::create(folder.join(format!("{number}.log"))).unwrap());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // A test that failed leaves no process.
        drop((self.0.kill(), self.0.wait()));
    }
}

/// Everything that is declared fits, five queues and sixteen partitions included, and the disks are what the file says.
#[tokio::test]
async fn the_cluster_takes_an_installation_of_production_and_says_that_it_survives_power_cuts() {
    let (folder, ports) = (Folder::new("conf"), free_ports(9).unwrap());
    let nodes: Vec<Node> = (0..3).map(|number| Node::start(folder.path(), number, &ports)).collect();
    let urls: Vec<String> = ports[..3].iter().map(|port| format!("nats://127.0.0.1:{port}")).collect();
    let mut connection = None;
    eventually("the cluster is there", async || {
        connection = connect(&urls.join(","), "sagaline", "test").await.ok();
        connection.is_some()
    })
    .await;
    let connection = connection.expect("just connected");
    let queues = ["default", "mail", "payments", "reports", "gpu"].map(|queue| Name::new(queue).unwrap()).to_vec();
    let installation = Installation { partitions: 16, replicas: 3, queues, ..Installation::default() };
    installation.ensure(&connection).await.unwrap();
    let monitors: Vec<String> = ports[3..6].iter().map(|port| format!("http://127.0.0.1:{port}")).collect();
    let found = durability(&connection, &monitors).await.unwrap();
    assert_eq!((found.replicas, found.nodes, found.sync), (3, 3, DiskSync::Always));
    assert!(found.says().contains("power cuts, the loss of one node"), "{}", found.says());
    drop(nodes);
}
