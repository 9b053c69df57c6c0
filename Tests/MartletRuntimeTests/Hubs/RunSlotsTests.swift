import Testing

@testable import MartletRuntime

struct RunSlotsTests {
  private final class Waiter: Sendable {}
  private let a = Waiter()
  private let b = Waiter()
  private let c = Waiter()

  @Test func `whoever comes first takes all that it can while nobody waits`() {
    let slots = RunSlots<Waiter>(2)
    #expect(slots.take(for: a) && slots.take(for: a))
    #expect(!slots.take(for: a))
    slots.free()
    #expect(slots.next == nil)
    #expect(slots.take(for: b))
  }

  @Test func `a slot that becomes free goes to the first in line, and to nobody before it`() {
    let slots = RunSlots<Waiter>(1)
    #expect(slots.take(for: a))
    for waiter in [b, c, b] { slots.wait(waiter) }
    #expect(slots.next == nil)
    slots.free()
    #expect(slots.next === b)
    #expect(!slots.take(for: a))
    #expect(!slots.take(for: c))
    #expect(slots.take(for: b))
    #expect(!slots.take(for: b))
    slots.free()
    #expect(slots.next === c)
    #expect(slots.take(for: c))
    slots.free()
    #expect(slots.next == nil)
  }

  @Test func `while others wait nobody takes more than one`() {
    let slots = RunSlots<Waiter>(2)
    #expect(slots.take(for: a) && slots.take(for: a))
    slots.wait(b)
    slots.wait(c)
    slots.free()
    slots.free()
    #expect(slots.take(for: b))
    #expect(!slots.take(for: b))
    #expect(slots.next === c)
  }

  @Test func `who leaves the line keeps nobody waiting`() {
    let slots = RunSlots<Waiter>(1)
    #expect(slots.take(for: a))
    slots.wait(b)
    slots.wait(c)
    slots.leave(b)
    slots.leave(a)
    slots.free()
    #expect(slots.next === c)
    slots.leave(c)
    #expect(slots.take(for: a))
  }
}
