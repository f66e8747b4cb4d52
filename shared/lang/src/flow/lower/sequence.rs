//! Steps that follow one another as they stand in the file, and those that begin at once.

use std::rc::Rc;

use super::{Lower, Map, entry, list, short::SHORT, text};
use crate::{
    flow::{
        names::is_parallel,
        syntax::{Block, Entry as Written, Key},
        within::Within,
    },
    syntax::shown,
    tree::Node,
    words,
};

/// The most pairs of steps, of which one waits for the other, that come of the order of a definition. Two groups of two thousand
/// steps each would be four million.
const MOST_WAITS: usize = 200_000;

/// What says what a step waits for; then its place in the file does not.
const WAITS: [&str; 4] = ["after", "after_any", "after_group", "after_graft"];

/// What stands before a step: all of it is waited for.
#[derive(Clone)]
struct Before {
    /// Shared: groups inside of a group all have the same before them.
    names: Rc<Vec<String>>,
    /// The same as a list, made when it is needed first.
    list: Option<Rc<Node>>,
}

impl Lower<'_, '_> {
    pub(super) fn steps(&mut self, block: &Block, within: Within) -> Rc<Node> {
        let mut map = Map::new();
        let first = Before { names: Rc::default(), list: None };
        match within {
            Within::Race => {
                for written in &block.entries {
                    self.add(&mut map, written, &mut first.clone());
                }
            }
            _ => drop(self.in_order(&mut map, block, first)),
        }
        map.node(block.place)
    }

    fn in_order(&mut self, map: &mut Map, block: &Block, mut before: Before) -> Before {
        for written in &block.entries {
            before = match (&written.value.block, &written.value.head) {
                (Some(group), None) if is_parallel(written) => self.at_once(map, group, before),
                _ if self.is_no_step(written) => before,
                _ => {
                    self.add(map, written, &mut before);
                    Before { names: Rc::new(vec![written.key.text.clone()]), list: None }
                }
            };
        }
        before
    }

    /// All of a group come after what was before it, and what follows comes after all of them.
    fn at_once(&mut self, map: &mut Map, group: &Block, mut before: Before) -> Before {
        let mut names = vec![];
        for written in &group.entries {
            match (&written.value.block, &written.value.head) {
                (Some(inner), None) if is_parallel(written) => {
                    names.extend(self.at_once(map, inner, before.clone()).names.iter().cloned());
                }
                _ if self.is_no_step(written) => {}
                _ => {
                    self.add(map, written, &mut before);
                    names.push(written.key.text.clone());
                }
            }
        }
        if names.is_empty() { before } else { Before { names: Rc::new(names), list: None } }
    }

    /// Notes what is meant to be in a step and has none around it.
    fn is_no_step(&mut self, written: &Written) -> bool {
        let (key, block) = (&written.key, written.value.block.as_ref());
        let word = key.text.as_str();
        let is_condition = ["if", "else", "when"].contains(&word);
        let is_word = is_condition || words::KINDS.contains(&word) || ["for_each", "call", "send"].contains(&word);
        let does = |entry: &Written| words::KINDS.iter().chain(&SHORT).any(|kind| *kind == entry.key.text);
        let is_step = written.value.head.is_none() && block.is_some_and(|block| block.entries.iter().any(does));
        if key.quoted || !is_word || is_step || written.value.is_lost() {
            return false;
        }
        let hint = match word {
            _ if is_condition => "a condition stands inside of a step: `name { if …, activity … }`".to_owned(),
            word => format!("write `name {{ {word} … }}`"),
        };
        self.reader.error(key.place, format!("the name of a step was expected here, not `{word}`")).hint(hint);
        self.blurred.push(written.place);
        true
    }

    fn add(&mut self, map: &mut Map, written: &Written, before: &mut Before) {
        let Key { text: name, place, .. } = &written.key;
        let step = match (&written.value.block, &written.value.head) {
            (Some(block), None) => {
                let says = block.entries.iter().any(|entry| WAITS.contains(&entry.key.text.as_str()));
                let waits = if says { None } else { self.waits(before, &written.key) };
                self.step_after(Some(name), block, *place, waits)
            }
            _ => match self.value(&written.value, Within::Literal, &written.key) {
                Some(value) => value,
                None => {
                    self.blurred.push(*place);
                    return;
                }
            },
        };
        map.push_step(self.reader, entry(name, *place, step));
    }

    fn waits(&mut self, before: &mut Before, key: &Key) -> Option<Rc<Node>> {
        if before.names.is_empty() {
            return None;
        }
        let already = self.waits;
        self.waits += before.names.len();
        if MOST_WAITS < self.waits {
            if already <= MOST_WAITS {
                let message =
                    format!("up to `{}` more than {MOST_WAITS} pairs of steps wait for each other", shown(&key.text));
                let hint = "put the steps of a large `parallel` into the `steps` of one: that one is waited for";
                self.reader.error(key.place, message).hint(hint);
            }
            return None;
        }
        let made = || list(key.place, before.names.iter().map(|name| text(name.as_str(), key.place)).collect());
        Some(Rc::clone(before.list.get_or_insert_with(made)))
    }
}
