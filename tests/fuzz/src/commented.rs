//! Comments put into a definition wherever there may be one, each with words of its own, so that a lost one is noticed.

use sagaline_lang::{Form, read_all};
use sagaline_model::Plan;

use crate::random::Random;

/// Puts up to so many comments into a text, and says how many there are. What it says stays the same.
pub fn commented(random: &mut Random, text: &str, file: &str, many: usize) -> (String, usize) {
    let Some(meant) = plans(text, file) else { return (text.to_owned(), 0) };
    let (mut text, mut put) = (text.to_owned(), 0);
    for _ in 0..many * 3 {
        if put == many {
            break;
        }
        let marks = if random.below(2) == 0 { "\n" } else { "\n{}[]:," };
        let at = *random.one_of(&places(&text, marks));
        let indent = " ".repeat(random.below(12));
        let mark = if Form::of(file) == Form::Flow { "//" } else { "#" };
        let comment = format!("{mark}{}", words(put));
        let inserted = match random.below(3) {
            0 => format!(" {comment}\n{indent}"),
            1 => format!("\n{indent}{comment}\n{indent}"),
            _ => format!(" {comment}"),
        };
        let (before, behind) = text.split_at(at);
        let with = format!("{before}{inserted}{behind}");
        // Within a text, say, it would be no comment.
        if plans(&with, file).as_ref() == Some(&meant) {
            text = with;
            put += 1;
        }
    }
    (text, put)
}

/// What is said of the first comment of so many that a text has not exactly once.
pub fn lost(text: &str, many: usize) -> Option<String> {
    let found = (0..many).map(|number| (number, text.matches(&words(number)).count()));
    let mut wrong = found.filter(|(_, times)| *times != 1);
    wrong.next().map(|(number, times)| format!("the comment `{}` is there {times} times", words(number)))
}

/// Some are longer than a line, and some look like what begins a comment or a text. No comment is put into them.
fn words(number: usize) -> String {
    match number % 4 {
        0 => format!(" ä{number}."),
        1 => format!("# // ä{number}."),
        2 => format!(" \"ä{number}. ' ( - $ *"),
        _ => format!(" ä{number}. {}", "long ".repeat(20).trim_end()),
    }
}

fn plans(text: &str, file: &str) -> Option<Vec<Plan>> {
    Some(read_all(text, file).ok()?.into_iter().map(|definition| definition.plan).collect())
}

/// Both sides of these characters.
fn places(text: &str, marks: &str) -> Vec<usize> {
    let marks = text.char_indices().filter(|(_, c)| marks.contains(*c));
    let mut places: Vec<usize> = marks.flat_map(|(at, _)| [at, at + 1]).collect();
    places.extend([0, text.len()]);
    places
}
