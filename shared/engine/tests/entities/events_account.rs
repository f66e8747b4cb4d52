//! The account of many waits and events: messages are lost for a while, come twice and overtake one another; steps give up. A step
//! gets no event twice, what it takes it was published for, and in the end nobody waits for an event that is there.
//!
//! `SAGALINE_SEED=S` runs that seed; every failure prints it.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
};

use sagaline_engine::{Entity, entity::EntityEffect};
use sagaline_events::{
    EntityInput, EntityKey, EntityWord, FramePath, Says, Ticket,
    entity::{Awaited, Came, EntityTimer, Leave, Release},
};
use sagaline_model::{EventRule, ExecutionId, Moment, Span};
use serde_json::json;

use crate::{
    accounting::Dice,
    tale::{BEGIN, name},
};

const KEEP: Span = Span::from_secs(3600);
const LOOPS: usize = 4;
const EVENTS: u64 = 40;

/// Executions, each with a loop whose items wait one after the other until it has had every event.
struct World {
    dice: Dice,
    now: Moment,
    entity: Entity,
    to_entity: Vec<EntityInput>,
    to_executions: Vec<(ExecutionId, EntityWord)>,
    published: u64,
    /// For which visit each waits.
    waits: BTreeMap<ExecutionId, (u32, Ticket)>,
    had: BTreeMap<ExecutionId, BTreeSet<u64>>,
}

impl World {
    fn new(seed: u64) -> Self {
        let rule = EventRule { kind: "paid".to_owned(), key: json!("${ trigger.subject }"), when: None };
        let entity = Entity::new(EntityKey::event(&rule, "A"));
        let (to_entity, to_executions) = (vec![], vec![]);
        let mut world = Self {
            dice: Dice(seed),
            now: BEGIN,
            entity,
            to_entity,
            to_executions,
            published: 0,
            waits: BTreeMap::new(),
            had: BTreeMap::new(),
        };
        for number in 0..LOOPS {
            let id = ExecutionId::new(format!("e{number}")).unwrap();
            world.had.insert(id.clone(), BTreeSet::new());
            world.waits_next(&id, 1);
        }
        world
    }

    fn waits_next(&mut self, id: &ExecutionId, visit: u32) {
        let path = FramePath::root(&name("each")).child_visit(&name("item"), visit);
        let ticket = Ticket { since: self.now, execution: id.clone(), path: Some(path), attempt: 0 };
        self.waits.insert(id.clone(), (visit, ticket.clone()));
        self.to_entity.push(EntityInput::Await(Awaited { ticket, keep: KEEP }));
    }

    fn publishes(&mut self) {
        self.published += 1;
        let (id, at) = (self.published.to_string(), self.now);
        let event = json!({ "id": id, "number": self.published });
        let came = Came { source: "/shop".to_owned(), id, at, keep: KEEP, event };
        for _ in 0..=self.dice.below(2) {
            self.to_entity.push(EntityInput::Event(came.clone()));
        }
    }

    fn told(&mut self, to: &ExecutionId, word: &EntityWord) {
        let ticket = word.ticket(to.clone());
        let waiting = self.waits.get(to).filter(|(_, waiting)| *waiting == ticket).cloned();
        match (&word.says, waiting) {
            (Says::Came { event }, Some((visit, _))) => {
                let number = event["number"].as_u64().unwrap();
                assert!(self.had.get_mut(to).unwrap().insert(number), "{to} got {number} twice");
                self.to_entity.push(EntityInput::Release(Release { ticket }));
                self.waits_next(to, visit + 1);
            }
            (Says::StillThere, Some(_)) => {}
            (_, None) => self.to_entity.push(EntityInput::Release(Release { ticket })),
            (other, Some(_)) => panic!("{other:?}"),
        }
    }

    /// An item has no patience any more; the next one begins.
    fn gives_up(&mut self) {
        let id = ExecutionId::new(format!("e{}", self.dice.below(LOOPS))).unwrap();
        let Some((visit, ticket)) = self.waits.get(&id).cloned() else { return };
        self.to_entity.push(EntityInput::Leave(Leave { ticket }));
        self.waits_next(&id, visit + 1);
    }

    fn applies(&mut self, input: &EntityInput) {
        for effect in self.entity.apply(input, self.now) {
            let EntityEffect::Tell { to, word } = effect else { panic!("{effect:?}") };
            self.to_executions.push((to, word));
        }
    }

    fn one_of<T: Clone>(dice: &mut Dice, all: &mut Vec<T>) -> Option<T> {
        if all.is_empty() {
            return None;
        }
        let place = dice.below(all.len());
        if dice.chance(10) { Some(all[place].clone()) } else { Some(all.swap_remove(place)) }
    }

    fn step(&mut self) {
        self.now = self.now + Span::from_millis(self.dice.below(300) as u64);
        match self.dice.below(100) {
            0..=44 => {
                if let Some(input) = Self::one_of(&mut self.dice, &mut self.to_entity) {
                    self.applies(&input);
                }
            }
            45..=84 => {
                if let Some((to, word)) = Self::one_of(&mut self.dice, &mut self.to_executions) {
                    self.told(&to, &word);
                }
            }
            85..=89 if self.published < EVENTS => self.publishes(),
            90..=92 => self.gives_up(),
            93 => {
                let is_due = self.entity.next_timer().is_some_and(|due| due <= self.now);
                if is_due {
                    self.applies(&EntityInput::Timer(EntityTimer {}));
                }
            }
            _ => {}
        }
    }

    fn settle(&mut self) {
        while !self.to_entity.is_empty() || !self.to_executions.is_empty() {
            while !self.to_entity.is_empty() {
                let input = self.to_entity.remove(0);
                self.applies(&input);
            }
            for (to, word) in std::mem::take(&mut self.to_executions) {
                self.told(&to, &word);
            }
        }
    }
}

fn account(seed: u64) {
    let mut world = World::new(seed);
    for _ in 0..3000 {
        world.step();
    }
    while world.published < EVENTS {
        world.publishes();
    }
    world.settle();
    let all: BTreeSet<u64> = (1..=EVENTS).collect();
    for (id, had) in &world.had {
        assert_eq!(had, &all, "{id} did not get all of them");
    }
}

#[test]
fn every_loop_gets_every_event_once_whatever_happens_to_messages() {
    let seeds = match env::var("SAGALINE_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => vec![seed],
        None => (0..60).collect(),
    };
    for seed in seeds {
        println!("SAGALINE_SEED={seed}");
        account(seed);
    }
}
