//! Questions to the owners, and their answers.

use sagaline_broker::{
    machine::Machine,
    ports::{Asker, Event},
};
use sagaline_events::ask::{Answer, Ask};

use super::State;

/// What a question is about.
pub fn execution_of(ask: &Ask) -> &str {
    match ask {
        Ask::Wanted { execution, .. }
        | Ask::Get { execution }
        | Ask::Why { execution }
        | Ask::Query { execution, .. }
        | Ask::Saga { execution }
        | Ask::Reply { execution, .. } => execution.as_str(),
        Ask::Entity { entity } => entity.as_str(),
        Ask::Schedule { schedule } => schedule.as_str(),
        Ask::List { .. }
        | Ask::Sagas { .. }
        | Ask::Schedules { .. }
        | Ask::Entities { .. }
        | Ask::Partition
        | Ask::Queues => "",
    }
}

impl<M: Machine> State<M> {
    /// Asks the owner of what the question is about.
    pub fn ask(&mut self, ask: Ask) -> u64 {
        let place = self.partition_of(execution_of(&ask));
        self.ask_owner(place, ask)
    }

    /// Asks the owner of what is at a place.
    pub fn ask_owner(&mut self, place: u32, ask: Ask) -> u64 {
        self.next_question += 1;
        self.questions.push((place, ask, self.next_question));
        self.next_question
    }

    /// The questions to an owner.
    pub fn questions_to(&mut self, partition: u32) -> Vec<Event> {
        let (to_it, others) = std::mem::take(&mut self.questions).into_iter().partition(|(to, ..)| *to == partition);
        self.questions = others;
        let to_it: Vec<(u32, Ask, u64)> = to_it;
        to_it.into_iter().map(|(_, ask, id)| Event::Asked(ask, Asker(id.to_string()))).collect()
    }

    pub fn answer(&mut self, asker: &Asker, answer: &Answer) {
        if let Ok(id) = asker.0.parse() {
            self.answers.insert(id, answer.clone());
        }
    }
}
