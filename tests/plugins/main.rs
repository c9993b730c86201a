//! Plugins of the operator's, run by the real program: what reaches a push, what does not, and what
//! is left behind.

#[cfg(test)]
mod check;
#[cfg(test)]
mod children;
#[cfg(test)]
mod definitions;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod munin;
#[cfg(test)]
mod pushes;
#[cfg(test)]
mod reload;
