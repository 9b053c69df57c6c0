/// Hands work to a connection thread: many senders, one taker. A burst of sends costs one wake-up.
public final class Mailbox<Element: Sendable>: Sendable {
  private let state = Locked<(elements: [Element], isClosed: Bool)>(([], false))
  /// What the taker polls.
  public let signal = WakeSignal()

  public init() {}

  /// Adds an element and wakes the taker where it may sleep. False after `close`: the element was not taken.
  @discardableResult
  public func send(_ element: Element) -> Bool {
    let (wasEmpty, isClosed) = state.withLock { state in
      if state.isClosed { return (false, true) }
      state.elements.append(element)
      return (state.elements.count == 1, false)
    }
    if wasEmpty { signal.notify() }
    return !isClosed
  }

  /// All that was sent since the last call, in order.
  /// - Parameter isSignalled: what `poll` said of `signal`. Where it was quiet nothing has to be cleared; an element that
  ///   is taken all the same leaves one wake-up too many.
  public func takeAll(isSignalled: Bool = true) -> [Element] {
    // The signal is cleared before the elements are taken: a send in between leaves at most one wake-up too many. The
    // other way round would clear the signal of an element that was not taken.
    if isSignalled { signal.clear() }
    return state.withLock { state in
      defer { state.elements = [] }
      return state.elements
    }
  }

  /// Refuses what comes later and returns what is left.
  public func close() -> [Element] {
    state.withLock { state in
      defer { state = ([], true) }
      return state.elements
    }
  }
}
