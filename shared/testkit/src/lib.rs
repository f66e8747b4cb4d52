//! Real servers, stories, simulation, fault injection for tests.
