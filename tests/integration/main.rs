//! The real program, from outside: one binary, a module a topic. Ports are chosen by the kernel, on
//! loopback only.

#[cfg(test)]
mod activation;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod figures;
#[cfg(test)]
mod files;
#[cfg(test)]
mod gated_file;
#[cfg(test)]
mod handshake;
#[cfg(test)]
mod load;
#[cfg(test)]
mod namespaces;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod reads;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod sensors;
#[cfg(test)]
mod startup;
#[cfg(test)]
mod stop;
