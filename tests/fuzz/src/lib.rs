//! Definitions at random, whole and broken. [`documents`] makes whole ones, of every kind and with every key of the language; [`mutate`]
//! breaks texts; [`check`] looks at what must hold whatever the text; [`hunt`] does all of it for as long as it is told to; [`watchdog`] ends it if a text does not.

pub mod check;
pub mod commented;
pub mod corpus;
pub mod documents;
pub mod hunt;
pub mod mutate;
pub mod random;
pub mod shown;
pub mod sizes;
pub mod watchdog;

/// What is fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Form {
    Yaml,
    Flow,
    /// What stands in `${…}`.
    Expression,
}

impl Form {
    pub const ALL: [Self; 3] = [Self::Yaml, Self::Flow, Self::Expression];

    /// How the files of its corpus end.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Flow => "flow",
            Self::Expression => "cel",
        }
    }
}
