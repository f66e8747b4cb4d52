//! From a plan to its [`Graph`].

use std::collections::{BTreeMap, BTreeSet};

use sagaline_model::{
    Approval, Await, AwaitEvent, AwaitSignals, Compensate, Dag, Handlers, Kind, Name, Node, OnTimeout, Plan, Try,
};

use crate::{Edge, Graph, Link, Part, What, order::Order, words};

/// What of a plan is drawn, where one can choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Steps of one group stand in a box.
    pub groups: bool,
}

/// The graph of a plan, without an execution.
pub fn draw(plan: &Plan, version: Option<u32>, look: Look) -> Graph {
    let (ids, parts, edges) = (Ids::default(), vec![], vec![]);
    let mut drawing = Drawing { look, ids, parts, edges };
    drawing.start(plan);
    drawing.endings(&plan.handlers);
    let Drawing { parts, edges, .. } = drawing;
    Graph { workflow: plan.workflow.clone(), version, execution: None, parts, edges }
}

struct Drawing {
    look: Look,
    ids: Ids,
    parts: Vec<Part>,
    edges: Vec<Edge>,
}

/// Where something is drawn.
#[derive(Clone, Copy, Default)]
struct Place<'a> {
    /// The part around it.
    inside: Option<&'a str>,
    /// The path of the step around it, with a `/`.
    below: &'a str,
}

impl Drawing {
    fn start(&mut self, plan: &Plan) {
        let mut start = Part::new("start", What::Start);
        start.does = words::starters(plan);
        let start = self.add("start", start, None);
        let entries = self.dag(&plan.root, Place::default());
        self.lead(&start, &entries, Link::Start, None);
    }

    /// Draws the steps; the ids of those that come after none.
    fn dag(&mut self, dag: &Dag, place: Place<'_>) -> Vec<String> {
        let order = Order::of(dag);
        let groups = self.groups(&order, place);
        let mut ids = vec![];
        for (index, node) in order.nodes.iter().enumerate() {
            let group = node.group.as_ref().and_then(|group| groups.get(group));
            let inside = group.map(|group| group.id.as_str()).or(place.inside);
            ids.push(self.node(node, Place { inside, ..place }, order.levels[index]));
        }
        for (index, node) in order.nodes.iter().enumerate() {
            let (to, after) = (&ids[index], &order.after[index]);
            self.after(to, after, &order, &groups, &ids);
            for before in &order.after_any[index] {
                let says = (1 < node.after_any.len()).then(|| "any".to_owned());
                self.edge(&ids[*before], to, Link::AfterAny, says);
            }
        }
        let is_entry = |index: &usize| order.after[*index].is_empty() && order.after_any[*index].is_empty();
        let entries: Vec<usize> = (0..ids.len()).filter(is_entry).collect();
        let whole = whole_groups(&entries, &order, &groups);
        let mut drawn = BTreeSet::new();
        let entries = entries.into_iter().map(|index| {
            let group = order.nodes[index].group.as_ref().and_then(|group| whole.get(group));
            group.unwrap_or(&&ids[index]).to_string()
        });
        entries.filter(|id| drawn.insert(id.clone())).collect()
    }

    /// Arrows from what a step comes after; one from a group, where it comes after the whole of it.
    fn after(&mut self, to: &str, after: &[usize], order: &Order<'_>, groups: &BTreeMap<&Name, Group>, ids: &[String]) {
        let whole = whole_groups(after, order, groups);
        let mut drawn: BTreeSet<&str> = BTreeSet::new();
        for before in after {
            let group = order.nodes[*before].group.as_ref().and_then(|group| whole.get(group));
            let from: &str = group.map_or(&ids[*before], |group| group);
            if drawn.insert(from) {
                self.edge(from, to, Link::After, None);
            }
        }
    }

    /// A box for each group, if they are wanted.
    fn groups<'a>(&mut self, order: &Order<'a>, place: Place<'_>) -> BTreeMap<&'a Name, Group> {
        let mut groups: BTreeMap<&Name, Group> = BTreeMap::new();
        if !self.look.groups {
            return groups;
        }
        for (index, node) in order.nodes.iter().enumerate() {
            let Some(name) = &node.group else { continue };
            if let Some(group) = groups.get_mut(name) {
                group.members += 1;
                continue;
            }
            let mut part = Part::new(name.as_str(), What::Group);
            (part.holds, part.level) = (true, order.levels[index]);
            part.does = vec!["group".to_owned()];
            let id = self.add(&format!("group_{name}"), part, place.inside);
            groups.insert(name, Group { id, members: 1 });
        }
        groups
    }

    fn node(&mut self, node: &Node, place: Place<'_>, level: usize) -> String {
        let path = format!("{}{}", place.below, node.name);
        let mut part = Part::new(node.name.as_str(), words::what(&node.kind));
        part.does = words::does(&node.kind);
        part.level = level;
        part.after.clone_from(&node.after);
        part.after_any.clone_from(&node.after_any);
        part.group.clone_from(&node.group);
        part.when.clone_from(&node.when);
        part.timeout = words::timeout(node).map(str::to_owned);
        part.path = Some(path.clone());
        let (mut kind, mut below) = (&node.kind, format!("{path}/"));
        while let Kind::ForEach(each) = kind {
            // What is done for each stands under its own name in the path.
            below = format!("{below}{}/", each.body.name);
            kind = &each.body.kind;
        }
        let mut undo = None;
        if let Kind::Step(step) = kind {
            part.attempts = Some(step.retry.attempts);
            undo = step.compensate.as_deref();
            let actions = undo.iter().flat_map(|undo| &undo.actions);
            part.undone_by = actions.map(|action| action.activity.to_string()).collect();
        }
        part.holds = match kind {
            Kind::Dag(_) | Kind::Race(_) | Kind::Switch { .. } | Kind::Try(_) => true,
            Kind::Await(_) | Kind::AwaitSignals(_) | Kind::AwaitEvent(_) | Kind::Approval(_) => has_more(kind),
            Kind::Step(_) | Kind::Wait(_) | Kind::Set { .. } | Kind::Raise(_) | Kind::Child(_) | Kind::Emit(_) => false,
            Kind::ForEach(_) => unreachable!("loops were gone through"),
        };
        let id = self.add(node.name.as_str(), part, place.inside);
        if let Some(undo) = undo {
            self.undo(&id, undo, place.inside);
        }
        self.contents(&id, kind, &below);
        id
    }

    /// What is inside of a step.
    fn contents(&mut self, id: &str, kind: &Kind, below: &str) {
        let place = Place { inside: Some(id), below };
        match kind {
            Kind::Dag(dag) | Kind::Race(dag) => drop(self.dag(dag, place)),
            Kind::Switch { cases } => {
                let head = self.add(&format!("{id}_case"), Part::new("which case", What::Head), Some(id));
                for (number, case) in cases.iter().enumerate() {
                    let entries = self.dag(&case.steps, place);
                    let says = words::case(number, case.when.as_deref());
                    self.lead(&head, &entries, Link::Case, Some(&says));
                }
            }
            Kind::Try(Try { body, errors, catch }) => {
                let tried = self.section(id, "try", "tried");
                self.dag(body, Place { inside: Some(&tried), below });
                let errors = if errors.is_empty() { "any error".to_owned() } else { errors.join(", ") };
                let caught = self.section(id, "catch", &words::short(&format!("catch {errors}")));
                self.dag(catch, Place { inside: Some(&caught), below });
                self.edge(&tried, &caught, Link::Fails, Some("fails".to_owned()));
            }
            Kind::Await(Await { timeout, on_timeout, .. })
            | Kind::AwaitSignals(AwaitSignals { timeout, on_timeout, .. })
            | Kind::AwaitEvent(AwaitEvent { timeout, on_timeout, .. })
                if has_more(kind) =>
            {
                let head = self.add(&format!("{id}_wait"), Part::new("waits", What::Head), Some(id));
                self.late(&head, timeout.as_deref(), on_timeout, place);
            }
            Kind::Approval(Approval { notify, timeout, on_timeout, .. }) if has_more(kind) => {
                let head = self.add(&format!("{id}_wait"), Part::new("waits", What::Head), Some(id));
                if let Some(notify) = notify {
                    let teller = self.node(notify, place, 0);
                    self.edge(&head, &teller, Link::Tells, Some("tells".to_owned()));
                }
                self.late(&head, timeout.as_deref(), on_timeout, place);
            }
            Kind::Await(_) | Kind::AwaitSignals(_) | Kind::AwaitEvent(_) | Kind::Approval(_) => {}
            Kind::Step(_) | Kind::Wait(_) | Kind::Set { .. } | Kind::Raise(_) | Kind::Child(_) | Kind::Emit(_) => {}
            Kind::ForEach(_) => unreachable!("loops were gone through"),
        }
    }

    fn late(&mut self, head: &str, timeout: Option<&str>, on_timeout: &OnTimeout, place: Place<'_>) {
        let OnTimeout::Steps(dag) = on_timeout else { return };
        let entries = self.dag(dag, place);
        let says = timeout.map_or("too late".to_owned(), |timeout| format!("after {}", words::condition(timeout)));
        self.lead(head, &entries, Link::Late, Some(&says));
    }

    fn section(&mut self, of: &str, id: &str, name: &str) -> String {
        let mut section = Part::new(name, What::Section);
        section.holds = true;
        self.add(&format!("{of}_{id}"), section, Some(of))
    }

    /// What takes a step back stands beside it, one behind the other.
    fn undo(&mut self, of: &str, undo: &Compensate, inside: Option<&str>) {
        let mut from = of.to_owned();
        for action in &undo.actions {
            let part = Part::new(action.activity.as_str(), What::Undo);
            let id = self.add(&format!("{of}_undo"), part, inside);
            let says = (from == of).then(|| "undo".to_owned());
            self.edge(&from, &id, Link::Undoes, says);
            from = id;
        }
    }

    /// What is done when an execution ends.
    fn endings(&mut self, handlers: &Handlers) {
        if handlers.is_empty() {
            return;
        }
        let Handlers { on_success, on_failure, on_cancel, on_step_error } = handlers;
        let mut ending = Part::new("when it ends", What::Ending);
        ending.holds = true;
        let ending = self.add("ending", ending, None);
        let place = Place { inside: Some(&ending), below: "" };
        let all = [on_success, on_failure, on_cancel, on_step_error];
        for handler in all.into_iter().flatten() {
            self.node(handler, place, 0);
        }
    }

    fn add(&mut self, wanted: &str, mut part: Part, inside: Option<&str>) -> String {
        part.id = self.ids.give(wanted);
        part.inside = inside.map(str::to_owned);
        let id = part.id.clone();
        self.parts.push(part);
        id
    }

    fn lead(&mut self, from: &str, to: &[String], what: Link, says: Option<&str>) {
        to.iter().for_each(|to| self.edge(from, to, what, says.map(str::to_owned)));
    }

    fn edge(&mut self, from: &str, to: &str, what: Link, says: Option<String>) {
        self.edges.push(Edge { from: from.to_owned(), to: to.to_owned(), what, says });
    }
}

/// The ids of the groups of which all members are among these places, by their names.
fn whole_groups<'a>(
    places: &[usize],
    order: &Order<'a>,
    groups: &'a BTreeMap<&Name, Group>,
) -> BTreeMap<&'a Name, &'a String> {
    let mut of_group: BTreeMap<&Name, usize> = BTreeMap::new();
    for group in places.iter().filter_map(|place| order.nodes[*place].group.as_ref()) {
        *of_group.entry(group).or_default() += 1;
    }
    let whole = of_group.into_iter().filter_map(|(name, count)| {
        let group = groups.get(name).filter(|group| group.members == count)?;
        Some((name, &group.id))
    });
    whole.collect()
}

/// A drawn group.
struct Group {
    id: String,
    members: usize,
}

/// Whether a wait has more to show than itself.
fn has_more(kind: &Kind) -> bool {
    match kind {
        Kind::Await(Await { on_timeout, .. })
        | Kind::AwaitSignals(AwaitSignals { on_timeout, .. })
        | Kind::AwaitEvent(AwaitEvent { on_timeout, .. }) => on_timeout.steps().is_some(),
        Kind::Approval(Approval { notify, on_timeout, .. }) => notify.is_some() || on_timeout.steps().is_some(),
        Kind::Step(_)
        | Kind::Wait(_)
        | Kind::Dag(_)
        | Kind::Race(_)
        | Kind::Switch { .. }
        | Kind::Try(_)
        | Kind::ForEach(_)
        | Kind::Set { .. }
        | Kind::Raise(_)
        | Kind::Child(_)
        | Kind::Emit(_) => false,
    }
}

/// The ids of parts.
#[derive(Default)]
struct Ids {
    given: BTreeSet<String>,
    wanted: BTreeMap<String, usize>,
}

impl Ids {
    /// What stands in front of every id, so that none is a word that means something: `end`, `class`, `graph`.
    const PREFIX: &str = "s_";

    fn give(&mut self, wanted: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let wanted: String = wanted.strip_prefix(Self::PREFIX).unwrap_or(wanted).chars().map(plain).collect();
        let base = format!("{}{wanted}", Self::PREFIX);
        loop {
            let times = self.wanted.entry(base.clone()).or_default();
            *times += 1;
            let id = if *times == 1 { base.clone() } else { format!("{base}_{times}") };
            if self.given.insert(id.clone()) {
                return id;
            }
        }
    }
}
