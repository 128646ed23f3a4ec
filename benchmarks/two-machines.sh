#!/bin/bash
# two-machines.sh RATE COMMAND...: runs a command as two ranks that have nothing in common but a link of RATE (as tc has it: 1gbit, 100mbit).
#
# Each rank is in a network namespace of its own, under a host name of its own; between them is a pair of virtual Ethernet devices, each of which
# sends no faster than RATE (token bucket). Open MPI starts the second rank through an agent, as it would through ssh. Needs root, iproute2 and
# Open MPI.
set -eu
rate=$1
shift
near=dino$$a far=dino$$b
agent=$(mktemp)
trap 'ip netns del $near; ip netns del $far; rm -f $agent' EXIT
trap 'exit 1' INT TERM

ip netns add $near
ip netns add $far
ip link add link0 netns $near type veth peer name link0 netns $far
for end in "$near 10.99.0.1" "$far 10.99.0.2"; do
    read -r name address <<< "$end"
    ip -n $name link set lo up
    ip -n $name addr add $address/24 dev link0
    ip -n $name link set link0 up
    tc -n $name qdisc add dev link0 root tbf rate $rate burst 256kb latency 50ms
done

cat > "$agent" <<END
#!/bin/bash
shift # the host
exec ip netns exec $far unshare --uts bash -c 'hostname $far; exec bash -c "\$*"' bash "\$@"
END
chmod +x "$agent"
ip netns exec $near mpirun.openmpi --allow-run-as-root -n 2 --host 10.99.0.1:1,10.99.0.2:1 --bind-to none \
    --mca plm_rsh_agent "$agent" --mca pml ob1 --mca btl tcp,self "$@"
