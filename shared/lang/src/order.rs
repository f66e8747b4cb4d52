//! The order of steps: that each `after` names a step beside it, and that none waits for itself.

use crate::{
    fault::Severity,
    outline::{Listed, Outline, Part},
    reach::Level,
    reader::Reader,
    source::Place,
    suggest::nearest,
    syntax::shown,
};

/// The most circles of one map of steps that are told: steps that all wait for each other have very many.
const MOST_CYCLES: usize = 16;

/// Every map of steps, by its number in the outline.
pub(crate) struct Order {
    pub(crate) levels: Vec<Level>,
}

pub(crate) fn check(reader: &mut Reader, outline: &Outline) -> Order {
    let waits: Vec<Vec<Wait>> = (0..outline.steps.len()).map(|step| waits_of(reader, outline, step)).collect();
    let mut members: Vec<Vec<usize>> = vec![vec![]; outline.levels()];
    for (step, listed) in outline.steps.iter().enumerate() {
        members[listed.level].push(step);
    }
    let mut levels = vec![];
    for members in members {
        let level = Level::new(members, |step| waits[step].iter().map(|wait| wait.step));
        if level.is_cyclic() {
            tell_cycles(reader, outline, &waits, level.members());
        }
        levels.push(level);
    }
    Order { levels }
}

/// A step that another waits for, and where that is said.
struct Wait {
    step: usize,
    place: Place,
}

fn waits_of(reader: &mut Reader, outline: &Outline, step: usize) -> Vec<Wait> {
    let listed = &outline.steps[step];
    let mut waits = vec![];
    let after_groups = listed
        .after_groups
        .iter()
        .flat_map(|(group, place)| outline.members(listed.level, group).map(|member| (member.name.clone(), *place)));
    let after: Vec<_> = listed.after.iter().cloned().chain(after_groups).collect();
    if outline.part(step) == Part::Race
        && let Some((_, place)) = after.first()
    {
        let message = format!("`{}` runs in a race, where all begin at once", shown(&listed.name));
        reader.error(*place, message).hint("put steps that follow one another into `steps` of one that runs in it");
    }
    for (name, place) in &after {
        match outline.find(name) {
            _ if *name == listed.name => {
                reader.error(*place, format!("`{}` cannot come after itself", shown(name)));
            }
            Some(other) if outline.steps[other].level == listed.level => {
                waits.push(Wait { step: other, place: *place })
            }
            Some(other) => elsewhere(reader, outline, step, other, *place),
            None => {
                let is_sibling = |other: &&Listed| other.level == listed.level && other.name != listed.name;
                let siblings = outline.steps.iter().filter(is_sibling).map(|other| other.name.as_str());
                let suggestion = if reader.tells(Severity::Error) { nearest(name, siblings) } else { None };
                reader
                    .error(*place, format!("there is no step `{}`", shown(name)))
                    .maybe_hint(suggestion.map(|other| format!("did you mean `{other}`?")));
            }
        }
    }
    waits
}

/// `after` names a step of another map.
fn elsewhere(reader: &mut Reader, outline: &Outline, step: usize, other: usize, place: Place) {
    let listed = &outline.steps[step];
    let name = shown(&outline.steps[other].name);
    if outline.ancestry(step).contains(&other) {
        reader.error(place, format!("`{}` is inside `{name}` and cannot come after it", shown(&listed.name)));
        return;
    }
    let beside = outline.ancestry(other).into_iter().find(|outer| outline.steps[*outer].level == listed.level);
    let hint = match beside {
        Some(outer) if outer != step => {
            format!("`after` names steps of the same map; `{}` holds it", shown(&outline.steps[outer].name))
        }
        Some(_) | None => "`after` names steps of the same map".to_owned(),
    };
    reader.error(place, format!("`{name}` is not beside `{}`", shown(&listed.name))).hint(hint);
}

/// Walks from every step to those it waits for; a step that is met again on the way closes a circle.
fn tell_cycles(reader: &mut Reader, outline: &Outline, waits: &[Vec<Wait>], members: &[usize]) {
    let mut done = vec![false; waits.len()];
    let mut position: Vec<Option<usize>> = vec![None; waits.len()];
    let mut told = 0;
    for start in members {
        // The way from `start`: each step with how many of those it waits for were looked at.
        let mut way: Vec<(usize, usize)> = vec![];
        if !done[*start] {
            position[*start] = Some(0);
            way.push((*start, 0));
        }
        while let Some((step, looked)) = way.last_mut() {
            let Some(wait) = waits[*step].get(*looked) else {
                done[*step] = true;
                position[*step] = None;
                way.pop();
                continue;
            };
            *looked += 1;
            if let Some(first) = position[wait.step] {
                let circle: Vec<usize> = way[first..].iter().map(|(step, _)| *step).collect();
                tell_cycle(reader, &outline.steps, waits, circle);
                told += 1;
                if told == MOST_CYCLES {
                    return;
                }
            } else if !done[wait.step] {
                position[wait.step] = Some(way.len());
                way.push((wait.step, 0));
            }
        }
    }
}

/// Each step of `circle` waits for the next, and the last for the first. Told from the step that stands first in the file.
fn tell_cycle(reader: &mut Reader, steps: &[Listed], waits: &[Vec<Wait>], mut circle: Vec<usize>) {
    let first = circle.iter().enumerate().min_by_key(|(_, step)| **step).map_or(0, |(at, _)| at);
    circle.rotate_left(first);
    let next = circle.get(1).copied().unwrap_or(circle[0]);
    let place =
        waits[circle[0]].iter().find(|wait| wait.step == next).map_or(steps[circle[0]].place, |wait| wait.place);
    let names: Vec<&str> = circle.iter().chain(&circle[..1]).map(|step| steps[*step].name.as_str()).collect();
    let message = format!("these steps wait for each other: {}", names.join(" → "));
    reader.error(place, message).hint("each waits for the one to its right; remove one `after` of them");
}
