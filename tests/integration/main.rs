//! The real program, from outside: one binary, a module a topic. Ports are chosen by the kernel, on loopback only.

#[cfg(test)]
mod activation;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod program;
#[cfg(test)]
mod startup;
