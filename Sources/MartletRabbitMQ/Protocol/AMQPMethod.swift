import CRabbitMQ

/// A method of AMQP 0-9-1: the library's struct and its number on the wire.
protocol AMQPMethod { static var number: UInt32 { get } }

extension amqp_connection_start_t: AMQPMethod { static let number: UInt32 = 0x000A_000A }
extension amqp_connection_start_ok_t: AMQPMethod { static let number: UInt32 = 0x000A_000B }
extension amqp_connection_tune_t: AMQPMethod { static let number: UInt32 = 0x000A_001E }
extension amqp_connection_tune_ok_t: AMQPMethod { static let number: UInt32 = 0x000A_001F }
extension amqp_connection_open_t: AMQPMethod { static let number: UInt32 = 0x000A_0028 }
extension amqp_connection_open_ok_t: AMQPMethod { static let number: UInt32 = 0x000A_0029 }
extension amqp_connection_close_t: AMQPMethod { static let number: UInt32 = 0x000A_0032 }
extension amqp_connection_close_ok_t: AMQPMethod { static let number: UInt32 = 0x000A_0033 }
extension amqp_connection_blocked_t: AMQPMethod { static let number: UInt32 = 0x000A_003C }
extension amqp_connection_unblocked_t: AMQPMethod { static let number: UInt32 = 0x000A_003D }
extension amqp_channel_open_t: AMQPMethod { static let number: UInt32 = 0x0014_000A }
extension amqp_channel_open_ok_t: AMQPMethod { static let number: UInt32 = 0x0014_000B }
extension amqp_channel_flow_t: AMQPMethod { static let number: UInt32 = 0x0014_0014 }
extension amqp_channel_flow_ok_t: AMQPMethod { static let number: UInt32 = 0x0014_0015 }
extension amqp_channel_close_t: AMQPMethod { static let number: UInt32 = 0x0014_0028 }
extension amqp_channel_close_ok_t: AMQPMethod { static let number: UInt32 = 0x0014_0029 }
extension amqp_exchange_declare_t: AMQPMethod { static let number: UInt32 = 0x0028_000A }
extension amqp_exchange_declare_ok_t: AMQPMethod { static let number: UInt32 = 0x0028_000B }
extension amqp_exchange_bind_t: AMQPMethod { static let number: UInt32 = 0x0028_001E }
extension amqp_exchange_bind_ok_t: AMQPMethod { static let number: UInt32 = 0x0028_001F }
extension amqp_queue_declare_t: AMQPMethod { static let number: UInt32 = 0x0032_000A }
extension amqp_queue_declare_ok_t: AMQPMethod { static let number: UInt32 = 0x0032_000B }
extension amqp_queue_bind_t: AMQPMethod { static let number: UInt32 = 0x0032_0014 }
extension amqp_queue_bind_ok_t: AMQPMethod { static let number: UInt32 = 0x0032_0015 }
extension amqp_queue_delete_t: AMQPMethod { static let number: UInt32 = 0x0032_0028 }
extension amqp_queue_delete_ok_t: AMQPMethod { static let number: UInt32 = 0x0032_0029 }
extension amqp_basic_qos_t: AMQPMethod { static let number: UInt32 = 0x003C_000A }
extension amqp_basic_qos_ok_t: AMQPMethod { static let number: UInt32 = 0x003C_000B }
extension amqp_basic_consume_t: AMQPMethod { static let number: UInt32 = 0x003C_0014 }
extension amqp_basic_consume_ok_t: AMQPMethod { static let number: UInt32 = 0x003C_0015 }
extension amqp_basic_cancel_t: AMQPMethod { static let number: UInt32 = 0x003C_001E }
extension amqp_basic_cancel_ok_t: AMQPMethod { static let number: UInt32 = 0x003C_001F }
extension amqp_basic_publish_t: AMQPMethod { static let number: UInt32 = 0x003C_0028 }
extension amqp_basic_return_t: AMQPMethod { static let number: UInt32 = 0x003C_0032 }
extension amqp_basic_deliver_t: AMQPMethod { static let number: UInt32 = 0x003C_003C }
extension amqp_basic_get_t: AMQPMethod { static let number: UInt32 = 0x003C_0046 }
extension amqp_basic_get_ok_t: AMQPMethod { static let number: UInt32 = 0x003C_0047 }
extension amqp_basic_get_empty_t: AMQPMethod { static let number: UInt32 = 0x003C_0048 }
extension amqp_basic_ack_t: AMQPMethod { static let number: UInt32 = 0x003C_0050 }
extension amqp_basic_nack_t: AMQPMethod { static let number: UInt32 = 0x003C_0078 }
extension amqp_confirm_select_t: AMQPMethod { static let number: UInt32 = 0x0055_000A }
extension amqp_confirm_select_ok_t: AMQPMethod { static let number: UInt32 = 0x0055_000B }
