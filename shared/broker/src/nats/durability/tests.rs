use super::*;

fn nodes(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn answer(node: &str, late: Option<u64>) -> Synced {
    Synced { node: node.to_owned(), late: late.map(Duration::from_secs) }
}

fn durability(replicas: usize, sync: DiskSync) -> Durability {
    Durability { replicas, nodes: replicas, sync, storage: Storage::File, silent: vec![] }
}

#[test]
fn disks_are_safe_only_if_every_node_says_so() {
    let three = nodes(&["a", "b", "c"]);
    let always = |names: &[&str]| names.iter().map(|name| answer(name, None)).collect::<Vec<_>>();
    assert_eq!(weakest(&three, &always(&["a", "b", "c"])), DiskSync::Always);
    assert_eq!(weakest(&three, &always(&["a", "b"])), DiskSync::Unknown);
    assert_eq!(weakest(&three, &always(&["a", "b", "b"])), DiskSync::Unknown, "one node asked twice is one node");
    assert_eq!(weakest(&three, &always(&["a", "b", "other"])), DiskSync::Unknown);
    assert_eq!(weakest(&three, &[]), DiskSync::Unknown);
    let one_is_late = [answer("a", None), answer("b", Some(120)), answer("c", Some(10))];
    assert_eq!(weakest(&three, &one_is_late), DiskSync::Every(Duration::from_secs(120)));
    assert_eq!(weakest(&nodes(&["a"]), &[answer("other", Some(120)), answer("a", None)]), DiskSync::Always);
}

#[test]
fn the_sentence_claims_no_more_than_is_known() {
    let every = DiskSync::Every(Duration::from_secs(120));
    assert_eq!(
        durability(1, every).says(),
        "one copy of each message, on disk up to 120s after it is acknowledged: survives kill -9 of any process, \
         not a power cut, not the loss of a node, and nothing goes on while one is away"
    );
    assert_eq!(
        durability(3, DiskSync::Always).says(),
        "3 copies of each message, on disk before it is acknowledged: survives kill -9 of any process, power cuts, \
         the loss of one node, and goes on without it"
    );
    assert!(durability(3, every).says().contains("not a power cut of several nodes at once"));
    assert!(durability(3, DiskSync::Unknown).says().contains("a power cut is not known"));
    assert!(
        durability(2, DiskSync::Always).says().contains("not the loss of a node"),
        "two are no majority of two without one"
    );
    assert!(durability(5, DiskSync::Always).says().contains("the loss of 2 nodes"));
    let memory = Durability { storage: Storage::Memory, ..durability(3, DiskSync::Always) };
    assert!(memory.says().contains("lost when NATS ends"));
}
