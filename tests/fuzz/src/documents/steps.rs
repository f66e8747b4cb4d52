//! Maps of steps: what comes after what, and what is the same for steps of every kind.

use sagaline_lang::Document;

use super::{Around, Keys, Maker, plain, put, text};

/// Definitions have about so many steps at most.
const MOST_STEPS: usize = 30;
const DEEPEST: usize = 5;

/// A step beside others.
pub(super) struct Sibling {
    name: String,
    expands: bool,
    group: bool,
}

impl Maker<'_> {
    /// Whether there may be steps inside.
    pub(super) fn may_nest(&self, around: &Around) -> bool {
        around.depth < DEEPEST && self.steps < MOST_STEPS
    }

    pub(super) fn some_steps(&mut self, around: &Around) -> Keys {
        self.siblings(around, false)
    }

    pub(super) fn racing(&mut self, around: &Around) -> Keys {
        self.siblings(around, true)
    }

    fn siblings(&mut self, around: &Around, race: bool) -> Keys {
        let many = 1 + self.tape.below(4);
        let mut steps: Keys = vec![];
        let mut before: Vec<Sibling> = vec![];
        for at in 0..many {
            self.steps += 1;
            let name = self.name();
            let is_last = at + 1 == many;
            let (step, expands) = self.step(around, if race { &[] } else { &before }, is_last, &name);
            let has_group = matches!(&step, Document::Map(keys) if keys.iter().any(|(key, _)| key == "group"));
            before.push(Sibling { name: name.clone(), expands, group: has_group });
            steps.push((name, step));
        }
        steps
    }

    /// The step, and whether it may return others. `before` are those that it may come after.
    pub(super) fn step(&mut self, around: &Around, before: &[Sibling], is_last: bool, _name: &str) -> (Document, bool) {
        let mut keys: Keys = vec![];
        let mut around = around.clone();
        let mut read = |sibling: &Sibling| around.readable.push(format!("steps[\"{}\"].output.id", sibling.name));
        if !before.is_empty() && self.tape.chance(5) {
            let mut names = vec![];
            for sibling in before {
                if self.tape.chance(5) {
                    read(sibling);
                    names.push(text(sibling.name.clone()));
                }
            }
            match names.as_slice() {
                [] => {}
                [one] if self.tape.chance(5) => put(&mut keys, "after", one.clone()),
                _ => put(&mut keys, "after", Document::List(names)),
            }
        }
        if let Some(sibling) = before.iter().find(|sibling| sibling.expands).filter(|_| self.tape.chance(7)) {
            read(sibling);
            put(&mut keys, "after_graft", text(sibling.name.clone()));
        }
        if 1 < before.len() && self.tape.chance(3) {
            put(
                &mut keys,
                "after_any",
                Document::List(before.iter().map(|sibling| text(sibling.name.clone())).collect()),
            );
        }
        // Only the last one comes after a group: whoever joins it later would wait for itself.
        if is_last && before.iter().any(|sibling| sibling.group) {
            put(&mut keys, "after_group", self.one_of_or_list("left"));
        } else if !is_last && self.tape.chance(3) {
            put(&mut keys, "group", text("left"));
        }
        if self.tape.chance(3) {
            put(&mut keys, "when", self.condition(&around));
        }
        let is_loop = self.tape.chance(2);
        if is_loop {
            let each = self.for_each(&mut around);
            put(&mut keys, "for_each", each);
        }
        let (is_activity, expands) = self.kind(&mut keys, &around);
        if self.tape.chance(3) {
            put(&mut keys, "context_key", text(*self.tape.one_of(&["invoice", "12", "no"])));
        }
        if self.tape.chance(4) {
            let may_pause = is_activity && !is_loop && !around.in_handler;
            let words = ["fail", "skip", "continue", "pause"];
            put(&mut keys, "on_error", text(*self.tape.one_of(&words[..if may_pause { 4 } else { 3 }])));
        }
        (Document::Map(keys), expands)
    }

    fn one_of_or_list(&mut self, name: &str) -> Document {
        if self.tape.chance(5) { text(name) } else { Document::List(vec![text(name)]) }
    }

    /// What stands inside of the loop can read the item.
    fn for_each(&mut self, around: &mut Around) -> Document {
        let items = match self.tape.below(3) {
            0 => self.whole(around),
            1 => Document::List(vec![plain(1), text("two"), self.value(around)]),
            _ => Document::List(vec![]),
        };
        let mut keys = vec![];
        put(&mut keys, "items", items.clone());
        let mut item = "item";
        let concurrency = self.amount(around);
        if self.tape.chance(5) {
            item = *self.tape.one_of(&["photo", "item", "order"]);
            put(&mut keys, "as", text(item));
        }
        if self.tape.chance(5) {
            put(&mut keys, "concurrency", concurrency);
        }
        if self.tape.chance(5) {
            put(&mut keys, "on_item_error", text(*self.tape.one_of(&["fail", "skip", "continue"])));
        }
        *around = around.and(&[&format!("{item}.title"), "index + 1"]);
        if keys.len() == 1 && self.tape.chance(8) { items } else { Document::Map(keys) }
    }
}
