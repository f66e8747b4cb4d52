//! `deploy/Dockerfile` fits the workspace: it cannot be built here, but what it names can be looked up.

use std::{collections::BTreeSet, fs};

use sagaline_topology::{Compose, manifests::Manifests, root};

/// The instructions, each on one line, without comments.
fn instructions() -> Vec<Vec<String>> {
    let text = fs::read_to_string(root().join("deploy/Dockerfile")).expect("a Dockerfile");
    let lines: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let joined = lines.join("\n").replace("\\\n", " ");
    joined
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
        .collect()
}

/// The paths of the repository that are copied into the build.
fn copied() -> BTreeSet<String> {
    let copies = instructions().into_iter().filter(|words| words[0] == "COPY" && !words[1].starts_with("--from"));
    copies.flat_map(|words| words[1..words.len() - 1].to_vec()).collect()
}

fn built() -> BTreeSet<String> {
    let words: Vec<_> = instructions().concat();
    words.windows(2).filter(|pair| pair[0] == "--package").map(|pair| pair[1].clone()).collect()
}

fn manifest(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("`{path}`: {error}"))
}

#[test]
fn what_is_copied_is_there_and_enough() {
    let copied = copied();
    for path in &copied {
        assert!(root().join(path).exists(), "`{path}` is copied and is not there");
    }
    // The members of the workspace, its lock, and what is compiled in from outside of a crate.
    let needed = ["Cargo.toml", "Cargo.lock", "shared", "services", "tests", "nats", "examples"];
    assert_eq!(
        copied,
        needed.map(str::to_owned).into(),
        "the build would miss something, or take what it does not need"
    );
    let ignore = manifest(".dockerignore");
    let let_in: BTreeSet<_> = ignore.lines().filter_map(|line| line.strip_prefix('!')).map(str::to_owned).collect();
    assert_eq!(let_in, copied, "`.dockerignore` keeps something out that is copied, or lets in what is not");
    assert!(ignore.lines().any(|line| line == "*"), "`.dockerignore` keeps nothing out");
}

#[test]
fn what_crates_compile_in_from_elsewhere_is_copied() {
    let copied = copied();
    let mut looked_at = 0;
    let mut folders = vec![root().join("shared"), root().join("services")];
    while let Some(folder) = folders.pop() {
        for file in fs::read_dir(&folder).expect("a folder").flatten().map(|entry| entry.path()) {
            // Tests and benches are not built for the image.
            if file.is_dir() && !file.ends_with("tests") && !file.ends_with("benches") {
                folders.push(file);
            } else if file.extension().is_some_and(|extension| extension == "rs") && !file.ends_with("tests.rs") {
                let text = fs::read_to_string(&file).expect("source is text");
                let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                // Neither are the examples of pages.
                let text = text.replace("#[cfg(doctest)]\n#[doc = include_str!", "");
                for path in text.split("include_str!(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                    let path = folder.join(path).canonicalize().unwrap_or_else(|error| panic!("{path}: {error}"));
                    let within = path.strip_prefix(root()).expect("inside the repository");
                    let top = within.iter().next().expect("a first part").to_string_lossy();
                    assert!(copied.contains(&*top), "{} needs `{}`", file.display(), within.display());
                    looked_at += 1;
                }
            }
        }
    }
    assert!(looked_at > 0, "nothing is compiled in from elsewhere any more: this test is of no use");
}

#[test]
fn every_program_of_the_services_is_built_and_installed() {
    let services = fs::read_dir(root().join("services")).expect("a folder").flatten();
    let names = services.filter_map(|service| {
        let manifest = fs::read_to_string(service.path().join("Cargo.toml")).ok()?;
        let name = manifest.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
        name.map(str::to_owned)
    });
    let programs: BTreeSet<_> = names.collect();
    assert_eq!(built(), programs, "built and there");
    let words = instructions().concat();
    let installed = words.iter().filter_map(|word| word.strip_prefix("target/release/")).map(str::to_owned);
    assert_eq!(installed.collect::<BTreeSet<_>>(), programs, "installed and built");
}

#[test]
fn every_program_that_runs_from_the_image_is_in_it() {
    let (programs, compose, manifests) =
        (built(), Compose::read(&root().join("docker-compose.yml")), Manifests::read());
    let of_compose =
        compose.services.values().filter(|service| service.image == "sagaline").map(|it| it.program().to_owned());
    let containers = manifests.containers();
    let of_pods =
        containers.iter().filter(|container| container.spec["image"] == "sagaline").map(|it| it.line()[0].clone());
    let run: Vec<_> = of_compose.chain(of_pods).collect();
    assert!(run.len() >= 7 && run.iter().all(|program| programs.contains(program)), "{run:?} of {programs:?}");
    for service in compose.services.values().filter_map(|service| service.build.as_ref()) {
        assert_eq!((service.context.as_str(), service.dockerfile.as_str()), (".", "deploy/Dockerfile"));
    }
}

#[test]
fn the_toolchain_is_that_of_the_workspace() {
    let cargo = manifest("Cargo.toml");
    let wanted = cargo.lines().find_map(|line| line.strip_prefix("rust-version = \"")?.strip_suffix('"'));
    let image = format!("rust:{}-bookworm", wanted.expect("the workspace says which"));
    assert!(instructions().iter().any(|words| words[0] == "FROM" && words[1] == image), "no stage begins with {image}");
}

#[test]
fn the_image_does_not_run_as_root() {
    let users: Vec<_> = instructions().into_iter().filter(|words| words[0] == "USER").collect();
    let [user] = &users[..] else { panic!("{users:?}") };
    let number: u32 = user[1].split(':').next().and_then(|id| id.parse().ok()).expect("Kubernetes needs a number");
    assert_ne!(number, 0);
}
