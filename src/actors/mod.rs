//! The three kinds of actors: one Supervisor, a Scheduler for each client session, a Sampler for each plugin.

pub mod sampler;
pub mod scheduler;
pub mod supervisor;
