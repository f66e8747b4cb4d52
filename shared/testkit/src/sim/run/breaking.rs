//! What is done to a world while it is harsh.

use std::time::Duration;

use sagaline_broker::machine::Machine;

use super::{Role, Run};
use crate::sim::{
    Faults,
    faults::Nodes,
    world::{LEASE, WINDOW},
};

/// More members than this do not join.
const MOST_ORCHESTRATORS: usize = 5;

impl<M: Machine + 'static> Run<'_, M> {
    pub(super) fn break_something(&mut self, faults: Faults) {
        if self.dice.chance(faults.crash) {
            self.crash();
        }
        if self.dice.chance(faults.owner_sleeps) {
            self.put_to_sleep(Role::Orchestrator, WINDOW);
        }
        if self.dice.chance(faults.worker_sleeps) {
            self.put_to_sleep(Role::Executor, LEASE * 2);
        }
        if faults.join > 0
            && self.dice.chance(faults.join)
            && self.of_role(Role::Orchestrator).len() < MOST_ORCHESTRATORS
        {
            self.start(Role::Orchestrator);
        }
        if faults.leave > 0 && self.dice.chance(faults.leave) {
            let members = self.of_role(Role::Orchestrator);
            let leaving = members.get(self.dice.below(members.len())).map(|place| self.processes[*place].pid);
            let mut world = self.world.lock();
            leaving.into_iter().for_each(|pid| world.shares.tell_to_leave(pid));
        }
        let mut world = self.world.lock();
        if self.dice.chance(faults.restart) {
            // All nodes at once are killed more seldom than one of them.
            match world.shape.nodes {
                Nodes::Three if self.dice.chance(800) => world.restart_node(),
                Nodes::One | Nodes::Three => world.restart(),
            }
        }
        if world.shape.nodes == Nodes::Three && self.dice.chance(faults.leader_change) {
            world.change_a_leader();
        }
        if faults.reader_lost > 0 && self.dice.chance(faults.reader_lost) {
            let partition = self.dice.below(world.logs.len()) as u32;
            world.lose_reader(partition, "no heartbeat comes from the consumer");
        }
        if faults.log_purged > 0 && self.dice.chance(faults.log_purged) {
            world.purge_log();
        }
        if faults.log_remade > 0 && self.dice.chance(faults.log_remade) {
            world.remake_log();
        }
        if self.dice.chance(faults.power_cut) {
            world.cut_power();
        }
        if self.dice.chance(faults.stale) {
            world.grow_stale();
        }
        if self.dice.chance(faults.snapshot_removed) {
            world.remove_snapshot();
        }
        if self.dice.chance(faults.standstill) {
            world.since += Duration::from_secs(700);
        }
        if self.dice.chance(faults.purge) {
            let queued = world.queue.subjects();
            if !queued.is_empty() {
                let since = world.since;
                world.queue.remove(&queued[self.dice.below(queued.len())], since);
            }
        }
    }

    /// kill -9: the process is gone between two awaits; what it had sent may arrive or not.
    fn crash(&mut self) {
        let services: Vec<usize> =
            (0..self.processes.len()).filter(|place| self.processes[*place].role != Role::Client).collect();
        let process = self.processes.swap_remove(services[self.dice.below(services.len())]);
        let mut world = self.world.lock();
        world.dies(process.pid, &mut self.dice);
        drop(world);
        self.start(process.role);
    }

    fn put_to_sleep(&mut self, role: Role, about: Duration) {
        let since = self.world.lock().since;
        let candidates: Vec<usize> = (0..self.processes.len())
            .filter(|place| self.processes[*place].role == role && self.processes[*place].asleep_until <= since)
            .collect();
        if candidates.is_empty() {
            return;
        }
        let place = candidates[self.dice.below(candidates.len())];
        let permille = 300 + self.dice.below(1200) as u32;
        self.processes[place].asleep_until = since + about * permille / 1000;
    }
}
