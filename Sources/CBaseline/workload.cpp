// What the function does: an order in, its bill out; or bytes in, the first 50 out.
#include <simdjson.h>

#include <charconv>
#include <cmath>
#include <string_view>

#include "baseline.h"

namespace {

struct Line {
  std::string_view sku, name;
  int64_t quantity;
  double price;
};

struct Order {
  std::string_view id, country, note;
  int64_t customer;
  Line lines[64];
  int64_t lineCount;
};

/// Appends to memory that is large enough.
struct Writer {
  char *end;
  void text(std::string_view value) {
    memcpy(end, value.data(), value.size());
    end += value.size();
  }
  template <typename Number> void number(Number value) { end = std::to_chars(end, end + 32, value).ptr; }
  /// Without escapes: ids are hexadecimal.
  void string(std::string_view value) {
    *end++ = '"';
    text(value);
    *end++ = '"';
  }
};

void write_hex(char *digits, int count, unsigned long value) {
  for (int position = count - 1; position >= 0; position--, value >>= 4) digits[position] = "0123456789abcdef"[value & 15];
}

/// Ids look random, as real ones do, and never repeat.
unsigned long mix(unsigned long number) {
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
  number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
  return number ^ (number >> 31);
}

size_t write_order(char *body, long number) {
  char id[16];
  write_hex(id, 16, mix(number));
  Writer writer{body};
  writer.text(R"({"id":)");
  writer.string({id, 16});
  writer.text(R"(,"customer":)");
  writer.number(12000 + number % 6000);
  writer.text(R"(,"country":"United Kingdom","lines":[{"sku":"85123A","name":"HANGING HEART","quantity":)");
  writer.number(1 + number % 12);
  writer.text(R"(,"price":)");
  writer.number(2 + (number % 97) / 100.0);
  writer.text(R"(},{"sku":"71053","name":"LANTERN","quantity":)");
  writer.number(1 + number % 7);
  writer.text(R"(,"price":)");
  writer.number(3 + (number % 89) / 100.0);
  writer.text(R"(}],"note":")");
  return writer.end - body;
}

[[noreturn]] void undecodable(simdjson::error_code code) {
  baseline_fail("the body is no order: %s", simdjson::error_message(code));
}

/// Fields are taken in the order in which they come, whatever it is; unknown ones are skipped.
void decode(simdjson::ondemand::object object, Line &line) {
  for (auto field : object) {
    std::string_view key = field.unescaped_key();
    if (key == "sku") line.sku = field.value();
    else if (key == "name") line.name = field.value();
    else if (key == "quantity") line.quantity = field.value();
    else if (key == "price") line.price = field.value();
  }
}

void decode(simdjson::ondemand::object object, Order &order) {
  for (auto field : object) {
    std::string_view key = field.unescaped_key();
    if (key == "id") order.id = field.value();
    else if (key == "customer") order.customer = field.value();
    else if (key == "country") order.country = field.value();
    else if (key == "note") order.note = field.value();
    else if (key == "lines") {
      for (auto element : field.value().get_array()) {
        if (order.lineCount == 64) undecodable(simdjson::CAPACITY);
        decode(element.get_object(), order.lines[order.lineCount++]);
      }
    }
  }
}

}  // namespace

long baseline_min_json_bytes(void) {
  char body[512];
  return static_cast<long>(write_order(body, 12 * 97 * 89 - 1)) + 16;
}

void baseline_write_body(char *body, long bodyBytes, bool json, long number) {
  if (!json) {
    memset(body, 'a' + number % 26, bodyBytes);
    write_hex(body, bodyBytes < 16 ? static_cast<int>(bodyBytes) : 16, mix(number));
    return;
  }
  size_t used = write_order(body, number);
  memset(body + used, '-', bodyBytes - used);
  memcpy(body + bodyBytes - 2, "\"}", 2);
}

void baseline_write_id(char *id, long number) {
  write_hex(id, 16, mix(number));
  write_hex(id + 16, 16, mix(~number));
}

void baseline_write_trace(char *trace, long number) {
  memcpy(trace, "00-", 3);
  write_hex(trace + 3, 16, mix(number ^ 0x5bd1e995));
  write_hex(trace + 19, 16, mix(number + 0x1b873593));
  trace[35] = '-';
  write_hex(trace + 36, 16, mix(number * 3 + 1));
  memcpy(trace + 52, "-01", 3);
}

size_t baseline_function(const char *body, size_t count, bool json, char *result) {
  if (!json) {
    size_t taken = count < 50 ? count : 50;
    memcpy(result, body, taken);
    return taken;
  }
  static thread_local simdjson::ondemand::parser parser;
  Order order;
  order.lineCount = 0;
  try {
    auto document = parser.iterate(body, count, count + BASELINE_PADDING);
    decode(document.get_object(), order);
  } catch (const simdjson::simdjson_error &error) {
    undecodable(error.error());
  }
  if (order.id.size() > 64) undecodable(simdjson::STRING_ERROR);
  double total = 0;
  for (int64_t index = 0; index < order.lineCount; index++)
    total += static_cast<double>(order.lines[index].quantity) * order.lines[index].price;
  Writer writer{result};
  writer.text(R"({"id":)");
  writer.string(order.id);
  writer.text(R"(,"lines":)");
  writer.number(order.lineCount);
  writer.text(R"(,"total":)");
  writer.number(std::round(total * 100) / 100);
  writer.text("}");
  return writer.end - result;
}
