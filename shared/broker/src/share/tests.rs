//! Sharing, as stories and as properties: many members decide from views that may be old.

use proptest::prelude::*;

use super::*;

fn member(number: usize) -> Member {
    Member { joined: Moment::from_millis(number as i64), id: id(number) }
}

fn id(number: usize) -> Arc<str> {
    format!("m{number}").into()
}

/// Who holds what, and which members there are.
#[derive(Clone, Debug)]
struct World {
    partitions: u32,
    members: BTreeSet<usize>,
    holders: BTreeMap<u32, usize>,
    moves: usize,
}

impl World {
    fn new(partitions: u32, members: impl IntoIterator<Item = usize>) -> Self {
        Self { partitions, members: members.into_iter().collect(), holders: BTreeMap::new(), moves: 0 }
    }

    fn sight(&self) -> Sight {
        Sight {
            partitions: self.partitions,
            members: self.members.iter().copied().map(member).collect(),
            holders: self.holders.iter().map(|(partition, holder)| (*partition, id(*holder))).collect(),
        }
    }

    fn own(&self, number: usize) -> Own {
        Own { id: id(number), held: self.held(number), ..Own::default() }
    }

    fn held(&self, number: usize) -> BTreeSet<u32> {
        self.holders.iter().filter(|(_, holder)| **holder == number).map(|(partition, _)| *partition).collect()
    }

    fn counts(&self) -> Vec<usize> {
        self.members.iter().map(|number| self.held(*number).len()).collect()
    }

    /// What comes of a decision: a lease that is free goes to whoever asks first.
    fn perform(&mut self, number: usize, decision: &Decision) {
        for partition in &decision.give_up {
            assert_eq!(self.holders.remove(partition), Some(number), "gives up what it holds");
            self.moves += 1;
        }
        for partition in &decision.take {
            self.holders.entry(*partition).or_insert(number);
        }
    }

    /// Everybody decides once from what is.
    fn round(&mut self) {
        for number in self.members.clone() {
            let decision = decide(&self.sight(), &self.own(number));
            self.perform(number, &decision);
        }
    }

    fn settle(&mut self) {
        for _ in 0..4 {
            self.round();
        }
    }

    fn assert_shared(&self) {
        let counts = self.counts();
        assert_eq!(counts.iter().sum::<usize>(), self.partitions as usize, "{counts:?}: everything is owned");
        let (least, most) = (counts.iter().min().expect("a member"), counts.iter().max().expect("a member"));
        assert!(most - least <= 1, "{counts:?}");
    }
}

#[test]
fn one_takes_all_and_the_next_gets_half() {
    let mut world = World::new(16, [0]);
    world.round();
    assert_eq!(world.counts(), [16]);
    world.members.insert(1);
    world.settle();
    assert_eq!((world.counts(), world.moves), (vec![8, 8], 8));
}

#[test]
fn each_join_and_each_leave_moves_no_more_than_it_must() {
    let mut world = World::new(16, [0, 1, 2]);
    world.settle();
    assert_eq!(world.counts(), [6, 5, 5]);
    world.members.extend([3, 4]);
    world.settle();
    assert_eq!((world.counts(), world.moves), (vec![4, 3, 3, 3, 3], 6));
    world.members.remove(&0);
    world.holders.retain(|_, holder| *holder != 0);
    world.settle();
    assert_eq!((world.counts(), world.moves), (vec![4, 4, 4, 4], 6), "what is free is taken, and nothing else moves");
}

#[test]
fn what_is_balanced_stays_whoever_holds_the_odd_one() {
    let mut world = World::new(3, [0, 1]);
    world.holders = [(0, 1), (1, 1), (2, 0)].into();
    world.settle();
    assert_eq!((world.counts(), world.moves), (vec![1, 2], 0));
}

#[test]
fn with_fewer_partitions_than_members_some_hold_none_and_nothing_moves() {
    let mut world = World::new(2, [0, 1, 2, 3, 4]);
    world.holders = [(0, 3), (1, 4)].into();
    world.settle();
    assert_eq!((world.counts(), world.moves), (vec![0, 0, 0, 1, 1], 0));
}

#[test]
fn whoever_is_no_member_gives_everything_up_and_takes_orphans_alone() {
    let mut world = World::new(4, [1]);
    world.holders = [(0, 0), (1, 0)].into();
    let own = Own { orphans: [3].into(), ..world.own(0) };
    let decision = decide(&world.sight(), &own);
    assert_eq!((decision.quota, decision.give_up.len()), (0, 2));
    assert_eq!((decision.take, decision.adopts), (vec![3], Some(3)));
}

#[test]
fn what_is_on_its_way_out_is_not_given_up_again() {
    let mut world = World::new(4, [0, 1]);
    world.holders = (0..4).map(|partition| (partition, 0)).collect();
    let first = decide(&world.sight(), &world.own(0));
    let own = Own { leaving: first.give_up.iter().copied().collect(), ..world.own(0) };
    assert_eq!((first.give_up.len(), decide(&world.sight(), &own).give_up.len()), (2, 0));
}

#[test]
fn an_adopted_orphan_is_kept_and_what_is_avoided_is_not_taken() {
    let mut world = World::new(4, [0, 1]);
    world.holders = [(0, 0), (1, 0), (2, 0)].into();
    let own = Own { adopted: [2].into(), ..world.own(0) };
    assert_eq!(decide(&world.sight(), &own).give_up, [] as [u32; 0], "and nothing goes in its place");
    assert_eq!(decide(&world.sight(), &world.own(0)).give_up, [2]);
    let own = Own { avoided: [3].into(), ..world.own(1) };
    assert_eq!(decide(&world.sight(), &own).take, [] as [u32; 0]);
    let own = Own { orphans: [3].into(), ..own };
    let decision = decide(&world.sight(), &own);
    assert_eq!((decision.take, decision.adopts), (vec![3], None), "it is within its share");
}

#[test]
fn a_lease_whose_taking_was_not_heard_of_is_taken_again() {
    let mut world = World::new(1, [0]);
    world.holders = [(0, 0)].into();
    assert_eq!(decide(&world.sight(), &Own { id: id(0), ..Own::default() }).take, [0]);
}

fn worlds() -> impl Strategy<Value = World> {
    // Holders beyond the members are those who are gone or cannot be seen yet.
    let members = proptest::collection::btree_set(0_usize..8, 1..7);
    (1_u32..40, members).prop_flat_map(|(partitions, members)| {
        let holders = proptest::collection::btree_map(0..partitions, 0_usize..10, 0..=partitions as usize);
        (Just(partitions), Just(members), holders).prop_map(|(partitions, members, holders)| World {
            partitions,
            members,
            holders,
            moves: 0,
        })
    })
}

proptest! {
    #[test]
    fn those_who_see_the_same_want_everything_exactly_once(world in worlds()) {
        let sight = world.sight();
        let quotas = world.members.iter().map(|number| decide(&sight, &world.own(*number)).quota);
        prop_assert_eq!(quotas.sum::<u32>(), world.partitions);
    }

    /// Whoever holds more than one above the floor must let go of the rest, and of the odd ones only as many stay as there are.
    #[test]
    fn it_settles_with_the_fewest_moves(mut world in worlds()) {
        world.holders.retain(|_, holder| world.members.contains(holder));
        let floor = world.partitions as usize / world.members.len();
        let odd = world.partitions as usize % world.members.len();
        let above: Vec<usize> = world.counts().into_iter().filter(|count| floor < *count).collect();
        let fewest = above.iter().map(|count| count - floor).sum::<usize>() - above.len().min(odd);
        world.settle();
        world.assert_shared();
        prop_assert_eq!(world.moves, fewest);
        world.round();
        prop_assert_eq!(world.moves, fewest, "and then it rests");
    }

    /// Everybody decides from some world of the past, in any order; decisions are performed late. Once the views are fresh
    /// again, it settles and rests.
    #[test]
    fn old_views_do_no_lasting_harm(
        start in worlds(),
        turns in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..4, any::<prop::sample::Index>()), 0..60),
    ) {
        let mut world = start;
        world.holders.retain(|_, holder| world.members.contains(holder));
        let mut past = vec![world.clone()];
        for (who, age, unseen) in turns {
            let members: Vec<usize> = world.members.iter().copied().collect();
            let number = members[who.index(members.len())];
            let mut seen = past[past.len().saturating_sub(age + 1)].sight();
            if age == 3 && members.len() > 1 {
                // Somebody who has just come is not seen yet.
                let hidden = members[unseen.index(members.len())];
                seen.members.retain(|member| member.id != id(hidden) || hidden == number);
            }
            let decision = decide(&seen, &world.own(number));
            world.perform(number, &decision);
            past.push(world.clone());
        }
        world.settle();
        world.assert_shared();
        let moves = world.moves;
        world.settle();
        prop_assert_eq!(world.moves, moves, "it rests");
    }
}
