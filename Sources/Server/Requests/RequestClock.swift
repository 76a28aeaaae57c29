// The time that requests are judged by. Tests set it by hand.

import Tokens

/// What time it is. Cheap to copy; the loop's thread.
struct RequestClock {
    /// Milliseconds since 1970, which never become less: for how long codes and tokens live, and for how
    /// often something may happen.
    let now: () -> Milliseconds
}
