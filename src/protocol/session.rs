//! The rules of one session: (state, command) to actions. Who carries them out is not its business.

use std::time::Duration;

use crate::protocol::{
    command::{Command, Token},
    decode::{ProtocolError, decode},
    key_set::PluginSet,
    reply::{CloseReason, ErrorText, Reply},
};

/// Wrong tokens until a session is closed.
const MAX_AUTH_FAILURES: u8 = 5;

/// What a caller has to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action<'a> {
    /// Send this.
    Reply(Reply<'static>),
    /// Ask whether this token is right, tell [`Session::authorized`], and hold back what the client
    /// sent behind it.
    Authorize(Token<'a>),
    /// Begin pushing, the first one interval from now.
    Start {
        /// Between two pushes.
        interval: Duration,
    },
    /// End pushing.
    Stop,
    /// Push this often from now on; the timer starts again.
    Retime(Duration),
    /// Push these keys from now on, whether pushing yet or not.
    Choose(PluginSet),
    /// Send [`Reply::Info`].
    Info,
    /// Send [`CloseReason::last_words`], if any, and end the session; nothing else will follow.
    Close(CloseReason),
}

/// Up to three actions, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actions<'a>([Option<Action<'a>>; 3]);

impl<'a> From<Action<'a>> for Actions<'a> {
    fn from(action: Action<'a>) -> Self {
        Self([Some(action), None, None])
    }
}

impl From<ErrorText> for Actions<'_> {
    fn from(text: ErrorText) -> Self {
        Action::Reply(Reply::Error(text)).into()
    }
}

impl<'a> IntoIterator for Actions<'a> {
    type Item = Action<'a>;
    type IntoIter = std::iter::Flatten<std::array::IntoIter<Option<Action<'a>>, 3>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().flatten()
    }
}

/// What came of an [`Action::Authorize`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The token is right, and the session has its slot.
    Granted {
        /// The name of the token, for the journal and `info`; never its value.
        name: String,
    },
    /// No such token.
    Wrong,
    /// The token is right, and no slot is free.
    Full,
}

/// One client's state.
#[derive(Debug)]
pub struct Session {
    auth_required: bool,
    default_set: PluginSet,
    /// The name of the token that opened it.
    token_name: Option<String>,
    auth_failures: u8,
    /// Kept over a stop.
    interval: Option<Duration>,
    pushing: bool,
    closed: bool,
}

impl Session {
    /// A session that was just greeted. `auth_required`: whether any token is configured;
    /// `default_set`: what it pushes until it chooses.
    #[must_use]
    pub fn new(auth_required: bool, default_set: PluginSet) -> Self {
        Self {
            auth_required,
            default_set,
            token_name: None,
            auth_failures: 0,
            interval: None,
            pushing: false,
            closed: false,
        }
    }

    /// Whether it may start, stop, choose and ask.
    #[must_use]
    pub fn is_authorized(&self) -> bool {
        !self.auth_required || self.token_name.is_some()
    }

    /// The name of the token it is authorized by, where one is required.
    #[must_use]
    pub(crate) fn token_name(&self) -> Option<&str> {
        self.token_name.as_deref()
    }

    /// Whether it is pushing.
    #[must_use]
    pub fn is_pushing(&self) -> bool {
        self.pushing
    }

    /// One message of the client, as it came; see [`decode`].
    /// `catalog` gives the registry's index of a plugin's name.
    pub fn receive<'a>(
        &mut self,
        bytes: &'a [u8],
        catalog: &impl Fn(&str) -> Option<usize>,
    ) -> Actions<'a> {
        match decode(bytes) {
            Ok(message) => self.apply(Command::from(&message), catalog),
            Err(_) if self.closed => Actions::default(),
            Err(ProtocolError::TooLong) => self.close(CloseReason::TooLong),
            Err(error) => ErrorText::from(error).into(),
        }
    }

    /// One command. After a close every command is ignored.
    pub(crate) fn apply<'a>(
        &mut self,
        command: Command<'a>,
        catalog: &impl Fn(&str) -> Option<usize>,
    ) -> Actions<'a> {
        if self.closed {
            return Actions::default();
        }
        // The original checks this before the arguments.
        let refused = match command {
            Command::Start
            | Command::Stop
            | Command::Interval(_)
            | Command::Plugins(_)
            | Command::Info => !self.is_authorized(),
            _ => false,
        };
        if refused {
            return ErrorText::NotAuthorized.into();
        }
        match command {
            Command::Auth(None) => ErrorText::TokenNotSet.into(),
            // Without a configured token every one fails and nothing needs one: pages with a stored
            // token go on working.
            Command::Auth(Some(_)) if !self.auth_required => ErrorText::AuthFailed.into(),
            Command::Auth(Some(token)) => Action::Authorize(token).into(),
            Command::Start => self.start(),
            Command::Stop if self.pushing => self.stop(),
            Command::Stop => ErrorText::NotStarted.into(),
            Command::Interval(Ok(interval)) => self.set_interval(interval),
            Command::Interval(Err(text)) => text.into(),
            Command::Quit => self.close(CloseReason::Quit),
            Command::Version => Action::Reply(Reply::Version).into(),
            Command::Plugins(None) => Action::Choose(self.default_set).into(),
            Command::Plugins(Some(names)) => choose(&names, catalog).map_or_else(
                || ErrorText::UnknownPlugin.into(),
                |set| Action::Choose(set).into(),
            ),
            Command::Info => Action::Info.into(),
            Command::Unknown => ErrorText::UnknownCommand.into(),
        }
    }

    /// The answer to an [`Action::Authorize`].
    pub fn authorized(&mut self, verdict: Verdict) -> Actions<'static> {
        if self.closed {
            return Actions::default();
        }
        match verdict {
            Verdict::Granted { name } => {
                self.token_name = Some(name);
                Actions::default()
            }
            Verdict::Full => self.close(CloseReason::TooManyClients),
            Verdict::Wrong => {
                self.auth_failures = self.auth_failures.saturating_add(1);
                let stop = self.lose_authorization();
                let close = (self.auth_failures >= MAX_AUTH_FAILURES).then(|| {
                    self.closed = true;
                    Action::Close(CloseReason::AuthFailures)
                });
                Actions([
                    Some(Action::Reply(Reply::Error(ErrorText::AuthFailed))),
                    stop,
                    close,
                ])
            }
        }
    }

    /// Takes the authorization away, for a token that is no longer configured. The session may
    /// authorize again.
    pub fn deauthorize(&mut self) -> Actions<'static> {
        self.auth_required = true;
        Actions([self.lose_authorization(), None, None])
    }

    /// A session that is no longer authorized gets no push, unlike the original.
    fn lose_authorization(&mut self) -> Option<Action<'static>> {
        self.token_name = None;
        std::mem::take(&mut self.pushing).then_some(Action::Stop)
    }

    fn start(&mut self) -> Actions<'static> {
        match self.interval {
            _ if self.pushing => ErrorText::AlreadyStarted.into(),
            None => ErrorText::IntervalUnset.into(),
            Some(interval) => {
                self.pushing = true;
                Action::Start { interval }.into()
            }
        }
    }

    fn stop(&mut self) -> Actions<'static> {
        self.pushing = false;
        Action::Stop.into()
    }

    fn set_interval(&mut self, interval: Duration) -> Actions<'static> {
        self.interval = Some(interval);
        if self.pushing {
            Action::Retime(interval).into()
        } else {
            Actions::default()
        }
    }

    fn close(&mut self, reason: CloseReason) -> Actions<'static> {
        self.closed = true;
        self.pushing = false;
        Action::Close(reason).into()
    }
}

/// None for a name that is unknown or comes twice; so a list of any length costs at most one look
/// at each plugin.
fn choose(names: &str, catalog: &impl Fn(&str) -> Option<usize>) -> Option<PluginSet> {
    let mut set = PluginSet::new();
    for name in names.split(',') {
        if !set.insert(catalog(name)?) {
            return None;
        }
    }
    Some(set)
}

#[cfg(test)]
mod tests;
