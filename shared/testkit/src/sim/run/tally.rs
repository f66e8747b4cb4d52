//! How often what is rare in tests happened, to see that it did.

use std::ops::AddAssign;

use sagaline_broker::owner::Halt;

#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// States that came back into memory.
    pub woken: u64,
    /// Inputs that waited for them.
    pub deferred: u64,
    /// States for which more than one waited.
    pub queued_up: u64,
    /// Owners that were told to stop, and handed over.
    pub handed_over: u64,
    /// Owners that found that another one had raised the epoch.
    pub fenced: u64,
    /// Partitions that a member took.
    pub taken: u64,
    /// Lost tails of logs that an owner noticed.
    pub lost_tails: u64,
    /// Logs that were deleted and made anew.
    pub remade: u64,
    /// Logs that an operator purged below their checkpoints.
    pub purged: u64,
    /// And that their owners purged before their time.
    pub shortened: u64,
    /// Streams that got another leader.
    pub leaders: u64,
    /// Writes that met another one on their subject.
    pub contended: u64,
    /// Tasks that began of executions that are limited.
    pub limited: u64,
    /// Of these, so many while another execution under the same limit was at work.
    pub together: u64,
    /// Tasks that began in their turns.
    pub in_turn: u64,
    /// Turns that were given.
    pub turns: u64,
    /// Parts of snapshots that were written.
    pub parts: u64,
    /// And those that were left in the end, and nothing named.
    pub orphans: u64,
    /// Tasks that a worker left to another one, which had them in hand.
    pub left_to_others: u64,
}

impl Tally {
    pub(super) fn ended(&mut self, halt: &Halt) {
        self.handed_over += u64::from(*halt == Halt::Stopped);
        self.fenced += u64::from(*halt == Halt::Fenced);
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        let Self {
            woken,
            deferred,
            queued_up,
            handed_over,
            fenced,
            taken,
            lost_tails,
            remade,
            purged,
            shortened,
            leaders,
            contended,
            limited,
            together,
            in_turn,
            turns,
            parts,
            orphans,
            left_to_others,
        } = other;
        self.woken += woken;
        self.deferred += deferred;
        self.queued_up += queued_up;
        self.handed_over += handed_over;
        self.fenced += fenced;
        self.taken += taken;
        self.lost_tails += lost_tails;
        self.remade += remade;
        self.purged += purged;
        self.shortened += shortened;
        self.leaders += leaders;
        self.contended += contended;
        self.limited += limited;
        self.together += together;
        self.in_turn += in_turn;
        self.turns += turns;
        self.parts += parts;
        self.orphans += orphans;
        self.left_to_others += left_to_others;
    }
}
