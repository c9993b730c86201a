//! The real program in a hostile world: attacks, each with its bound and its clear error, beside
//! clients that behave and must not notice. Loopback only, ports by the kernel, every load bounded
//! in count.

#[cfg(test)]
mod breaks;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod floods;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod guesses;
#[cfg(test)]
mod heads;
#[cfg(test)]
mod in_process;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod read_only;
#[cfg(test)]
mod seeds;
#[cfg(test)]
mod stalled;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod tls_client;
#[cfg(test)]
mod watcher;
