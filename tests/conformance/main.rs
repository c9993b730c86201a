//! How bytes become messages on both transports: raw lines, and RFC 6455 as the Autobahn
//! TestSuite's groups 1 to 7 and 10 look at it, for a server that is no echo: a text that is no
//! command is answered `Error::Unknown command`, and binary messages and messages above 4096 bytes
//! end the session. Then the verbs that the original did not have.

#[cfg(test)]
mod case;
#[cfg(test)]
mod closing;
#[cfg(test)]
mod framing;
#[cfg(test)]
mod raw_lines;
#[cfg(test)]
mod utf8;
#[cfg(test)]
mod verbs;
