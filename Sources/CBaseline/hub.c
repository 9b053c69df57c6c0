// What the baselines for event hubs have in common.
#include "baseline.h"

void baseline_write_key(char *key, long number) {
  number %= BASELINE_KEYS;
  memcpy(key, "key-", 4);
  key[4] = (char)('0' + number / 10);
  key[5] = (char)('0' + number % 10);
}

int baseline_partition(const char *key, size_t count, int partitions) {
  static unsigned table[256];
  if (table[1] == 0) {
    for (unsigned byte = 0; byte < 256; byte++) {
      unsigned crc = byte;
      for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
      table[byte] = crc;
    }
  }
  unsigned crc = ~0u;
  for (size_t index = 0; index < count; index++) crc = crc >> 8 ^ table[(crc ^ (unsigned char)key[index]) & 255];
  return (int)(~crc % (unsigned)partitions);
}
