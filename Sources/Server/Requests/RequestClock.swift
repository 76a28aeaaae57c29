// The two clocks that requests are judged by. Tests set them by hand.

import Tokens

/// What time it is. Cheap to copy; the loop's thread.
struct RequestClock {
    /// Milliseconds since 1970: for how long codes and tokens live. It may be set.
    let wall: () -> Milliseconds
    /// Milliseconds that only ever grow: for how often something may happen.
    let steady: () -> Milliseconds
}
