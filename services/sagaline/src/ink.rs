//! Lines of pictures in the colours of this terminal.

use std::io::{self, IsTerminal};

use sagaline_picture::{Ink, Line};

use crate::{
    output::{Output, Tone},
    words,
};

/// So wide is a picture where the terminal does not say how wide it is.
const WIDTH: usize = 100;
/// Narrower than this nothing can be read.
pub(crate) const NARROWEST: usize = 20;

pub(crate) fn print(lines: &[Line], output: &Output) -> io::Result<()> {
    lines.iter().try_for_each(|line| output.line(&painted(line, output)))
}

fn painted(line: &Line, output: &Output) -> String {
    let text: String = line.0.iter().map(|(ink, text)| output.paint(tone(*ink), text)).collect();
    text.trim_end().to_owned()
}

fn tone(ink: Ink) -> Tone {
    match ink {
        Ink::Plain => Tone::Plain,
        Ink::Quiet => Tone::Quiet,
        Ink::Strong => Tone::Strong,
        Ink::Of(status) => words::sign(status).1,
    }
}

/// How wide a picture may be: what was asked for, or what the terminal says. Into a pipe nothing is cut.
pub(crate) fn width(asked: Option<usize>) -> usize {
    match asked {
        Some(width) => width,
        None if io::stdout().is_terminal() => {
            let told = terminal_size::terminal_size_of(io::stdout());
            told.map_or(WIDTH, |(width, _)| usize::from(width.0)).max(NARROWEST)
        }
        None => usize::MAX,
    }
}
