//! The manifests for Kubernetes, as kustomize puts them together: resources, and what they refer to.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::Value;

use crate::{root, yaml};

/// `deploy/kubernetes`.
pub struct Manifests {
    pub folder: PathBuf,
    pub kustomization: Value,
    pub resources: Vec<Value>,
}

/// A container of a workload, and what stands around it.
pub struct Container<'a> {
    pub workload: &'a Value,
    pub spec: &'a Value,
}

impl Manifests {
    pub fn read() -> Self {
        let folder = root().join("deploy/kubernetes");
        let kustomization = yaml::read(&folder.join("kustomization.yaml")).remove(0);
        let files = texts(&kustomization["resources"]);
        let resources = files.iter().flat_map(|file| yaml::read(&folder.join(file))).collect();
        Self { folder, kustomization, resources }
    }

    /// Files that nothing refers to would be checked, and never applied.
    pub fn forgotten(&self) -> Vec<String> {
        let known = texts(&self.kustomization["resources"]);
        let files = fs::read_dir(&self.folder).expect("the folder").flatten();
        let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.ends_with(".yaml") && name != "kustomization.yaml" && !known.contains(name)).collect()
    }

    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.resources.iter().filter(move |resource| resource["kind"] == kind)
    }

    pub fn named(&self, kind: &str, name: &str) -> Option<&Value> {
        self.resources.iter().find(|resource| resource["kind"] == kind && resource["metadata"]["name"] == name)
    }

    /// All that pods are made from.
    pub fn workloads(&self) -> Vec<&Value> {
        self.resources.iter().filter(|resource| resource["spec"]["template"].is_object()).collect()
    }

    pub fn containers(&self) -> Vec<Container<'_>> {
        let of = |workload| {
            let containers = list(&pod(workload)["containers"]);
            containers.iter().map(move |spec| Container { workload, spec })
        };
        self.workloads().into_iter().flat_map(of).collect()
    }

    /// What a generated ConfigMap holds: variables, or the files it is made of.
    pub fn config_map(&self, name: &str) -> Option<BTreeMap<String, String>> {
        let generators = list(&self.kustomization["configMapGenerator"]);
        let generator = generators.iter().find(|generator| generator["name"] == name)?;
        let literals = texts(&generator["literals"]).into_iter().map(|literal| {
            let (name, value) = literal.split_once('=').expect("NAME=value");
            (name.to_owned(), value.to_owned())
        });
        let files = texts(&generator["files"]).into_iter().map(|file| {
            let text = fs::read_to_string(self.folder.join(&file)).expect("a generator names files that are there");
            (file, text)
        });
        Some(literals.chain(files).collect())
    }
}

impl Container<'_> {
    pub fn name(&self) -> &str {
        text(&self.spec["name"])
    }

    /// The command line.
    pub fn line(&self) -> Vec<String> {
        let mut line = texts(&self.spec["command"]);
        line.extend(texts(&self.spec["args"]));
        line
    }

    /// The variables, those of ConfigMaps included. What only the cluster knows, such as the pod's name, is told by `field`.
    pub fn environment(&self, manifests: &Manifests, field: impl Fn(&str) -> String) -> BTreeMap<String, String> {
        let mut environment = BTreeMap::new();
        for from in list(&self.spec["envFrom"]) {
            let name = text(&from["configMapRef"]["name"]);
            let map = manifests.config_map(name).unwrap_or_else(|| panic!("there is no ConfigMap `{name}`"));
            environment.extend(map);
        }
        for one in list(&self.spec["env"]) {
            let value = match one["value"].as_str() {
                Some(value) => value.to_owned(),
                None => field(text(&one["valueFrom"]["fieldRef"]["fieldPath"])),
            };
            environment.insert(text(&one["name"]).to_owned(), value);
        }
        environment
    }

    /// The port of this name.
    pub fn port(&self, name: &str) -> Option<u16> {
        let port = list(&self.spec["ports"]).iter().find(|port| port["name"] == name)?;
        port["containerPort"].as_u64()?.try_into().ok()
    }
}

/// What a workload's pods are.
pub fn pod(workload: &Value) -> &Value {
    &workload["spec"]["template"]["spec"]
}

pub fn list(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        Value::Null => &[],
        other => panic!("{other} is no list"),
    }
}

pub fn texts(value: &Value) -> Vec<String> {
    list(value).iter().map(|item| text(item).to_owned()).collect()
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}
