/* SPDX-License-Identifier: MIT */
/*
 * An initiator of this very host with one command at a time and the thread that serves it take turns:
 * neither has anything to do while the other runs. On two CPUs each turn wakes one that sleeps,
 * which in a virtual machine takes longer than most commands, and every byte goes from one's cache
 * to the other's; on one CPU it is a switch. The scheduler spreads them all the same, so the thread
 * goes to where the commands come from. Who does not wait for answers, or is on another host, gains
 * by two CPUs, and who shares the thread with others has it on no CPU of his own.
 *
 *   free -> kept    [FOLLOW_STREAK commands came alone, twice, and from the same CPU both times]
 *   kept -> free    [a command of another connection, one that did not come alone, commands from
 *                    another CPU, or FOLLOW_LEAST of them not reached between two ticks]
 */
#include "target/iscsi/follow.h"

#include <sys/socket.h>

static void leave(struct follow *follow)
{
	follow->streak = 0;
	follow->from = -1;
	if (follow->at >= 0)
		(void)sched_setaffinity(0, sizeof(follow->home), &follow->home);
	follow->at = -1;
}

static void stay(struct follow *follow, int cpu)
{
	cpu_set_t only;
	CPU_ZERO(&only);
	CPU_SET(cpu, &only);
	if (sched_getaffinity(0, sizeof(follow->home), &follow->home) < 0 || !CPU_ISSET(cpu, &follow->home))
		return;
	if (sched_setaffinity(0, sizeof(only), &only) == 0)
		follow->at = cpu;
}

/* Through the loopback interface a packet is received on the CPU that sends it. */
static int cpu_of(int fd)
{
	int cpu = -1;
	socklen_t size = sizeof(cpu);
	if (getsockopt(fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, &size) < 0)
		return -1;
	return cpu < CPU_SETSIZE ? cpu : -1;
}

void follow_command(struct follow *follow, const void *whom, int fd, bool alone)
{
	if (!alone || whom != follow->whom) {
		leave(follow);
		follow->whom = whom;
		return;
	}
	follow->heard++;
	if (++follow->streak % FOLLOW_STREAK)
		return;
	int cpu = cpu_of(fd);
	if (cpu < 0 || cpu != follow->from)
		leave(follow);
	else if (follow->at < 0)
		stay(follow, cpu);
	follow->from = cpu;
}

void follow_tick(struct follow *follow)
{
	if (follow->heard < FOLLOW_LEAST)
		leave(follow);
	follow->heard = 0;
}
