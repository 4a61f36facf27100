// SPDX-License-Identifier: GPL-2.0-only
/*
 * Congestion control that does nothing: a struct_ops of vmlinux, to be told
 * apart from those of modules, of both kinds that there are.
 */
#include <linux/bpf/vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

SEC("struct_ops")
u32 BPF_PROG(tcp_ssthresh, struct sock *sk)
{
	return 2;
}

SEC("struct_ops")
void BPF_PROG(tcp_cong_avoid, struct sock *sk, u32 ack, u32 acked)
{
}

SEC("struct_ops")
u32 BPF_PROG(tcp_undo_cwnd, struct sock *sk)
{
	return 2;
}

SEC(".struct_ops")
struct tcp_congestion_ops tcp_plain = {
	.ssthresh = (void *)tcp_ssthresh,
	.cong_avoid = (void *)tcp_cong_avoid,
	.undo_cwnd = (void *)tcp_undo_cwnd,
	.name = "lab_plain",
};

SEC(".struct_ops.link")
struct tcp_congestion_ops tcp_linked = {
	.ssthresh = (void *)tcp_ssthresh,
	.cong_avoid = (void *)tcp_cong_avoid,
	.undo_cwnd = (void *)tcp_undo_cwnd,
	.name = "lab_linked",
};

char _license[] SEC("license") = "GPL";
