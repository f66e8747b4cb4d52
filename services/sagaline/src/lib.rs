//! The one binary people type.
