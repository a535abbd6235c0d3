"""Ways around a budget that lie in the program: one preview judges them all, resource by resource.

A trick whose price the pack knows must be in the totals of the budget rules to the cent; any other must
be refused by a mandatory rule at its own resource.
"""

from __future__ import annotations

from tests.engine.evasion.tricks import Bought, Thing, Trick

PROLOGUE = '''\
import pulumi
from pulumi import Output, ResourceOptions, dynamic


class Declare(pulumi.CustomResource):
    """Any type, without its SDK."""

    def __init__(self, kind, name, inputs, **options):
        super().__init__(kind, name, inputs, ResourceOptions(**options))


class Nothing(dynamic.ResourceProvider):
    """Would do anything."""


class Mine(dynamic.Resource, module="mine", name="Pool"):
    """By a dynamic provider."""


class Instance(dynamic.Resource, module="outlay/lambda", name="Instance"):
    """As this project declares Lambda's instances."""


net = Declare("aws:ec2/vpc:Vpc", "net", {})
later = net.id.apply(len)  # a number that only the update will know


def pool(name, nodes=1, most=1, least=0, options={}, **more):
    inputs = {
        "clusterName": "serving",
        "instanceTypes": ["g6.xlarge"],
        "capacityType": "ON_DEMAND",
        "scalingConfig": {"minSize": least, "desiredSize": nodes, "maxSize": most},
    }
    Declare("aws:eks/nodeGroup:NodeGroup", name, {**inputs, **more}, **options)


def gke(name, config, options={}, **more):
    inputs = {"cluster": "serving", "location": "us-central1-a", "nodeConfig": config}
    Declare("gcp:container/nodePool:NodePool", name, {**inputs, **more}, **options)


def aks(name, profiles=(), **more):
    inputs = {"location": "eastus", "sku": {"name": "Base", "tier": "Free"}}
    routing = {"networkProfile": {"outboundType": "none"}, "agentPoolProfiles": list(profiles)}
    kind = "azure-native:containerservice:ManagedCluster"
    Declare(kind, name, {**inputs, **routing, **more})


AGENTS = {"vmSize": "Standard_NC4as_T4_v3", "osDiskType": "Ephemeral", "count": 1}
cluster = pulumi.ProviderResource("kubernetes", "later", {"kubeconfig": net.id})


def kube(token, name, after=(), **more):
    inputs = {"metadata": {"name": name}, **more}
    return Declare(f"kubernetes:{token}", name, inputs, provider=cluster, depends_on=list(after))


def launch(name, size):
    disks = [dict(deviceName="/dev/xvda", ebs=dict(volumeSize=100, volumeType="gp3"))]
    inputs = dict(name=name, instanceType=size, blockDeviceMappings=disks)
    return Declare("aws:ec2/launchTemplate:LaunchTemplate", f"{name}-{size}", inputs)


# What others refer to by name; the pack must see it first.
template = launch("t", "g6.48xlarge")
node_class = kube("karpenter.k8s.aws/v1:EC2NodeClass", "class", spec={})


def pod(**more):
    return {"template": {"spec": {"containers": [{"name": "c", "image": "a:1"}], **more}}}


def karpenter(limits):
    only = {
        "node.kubernetes.io/instance-type": ["p5.48xlarge"],
        "topology.kubernetes.io/region": ["us-east-1"],
    }
    required = [dict(key=key, operator="In", values=values) for key, values in only.items()]
    node_class = dict(group="karpenter.k8s.aws", kind="EC2NodeClass", name="class")
    spec = dict(nodeClassRef=node_class, requirements=required)
    return dict(limits=limits, template=dict(spec=spec))


'''
L4, UNPRICED = "g6.xlarge", "no-unpriced-resources"
GCP, AZURE, COREWEAVE, LAMBDA = "gcp", "azure", "coreweave", "lambda"

COUNTS = (
    Trick(
        name="count-from-an-output",
        tries="The node count comes from an output that only the update knows",
        code='pool("{name}", nodes=later, most=64)',
        rule=UNPRICED,
        says="scalingConfig.desiredSize is not known before the update",
    ),
    Trick(
        name="maximum-from-an-output",
        tries="One node, and a maximum that only the update knows",
        code='pool("{name}", most=later)',
        rule=UNPRICED,
        says="scalingConfig.maxSize is not known before the update",
    ),
    Trick(
        name="scaling-from-an-output",
        tries="The whole scaling block is an output",
        code='pool("{name}", scalingConfig=net.id.apply(lambda _: dict(desiredSize=9)))',
        rule=UNPRICED,
        says="scalingConfig is not known before the update",
    ),
    Trick(
        name="type-from-an-output",
        tries="The instance type is an output",
        code='pool("{name}", instanceTypes=[net.id])',
        rule=UNPRICED,
        says="instanceTypes[0] is not known before the update",
    ),
    Trick(
        name="secret-count",
        tries="The count is a secret, so that no preview shows it",
        code='pool("{name}", nodes=Output.secret(2), most=2)',
        counts=(Bought(kind=L4, nodes=2, most=2),),
    ),
    Trick(
        name="count-as-text",
        tries="The count is the text `3` instead of a number",
        code='pool("{name}", nodes="3", most="4")',
        counts=(Bought(kind=L4, nodes=3, most=4),),
    ),
    Trick(
        name="negative-count",
        tries="A negative count, to lower the sum",
        code='pool("{name}", nodes=-5)',
        rule=UNPRICED,
        says="must be a whole number of 0 or more, got -5",
    ),
    Trick(
        name="fraction-of-a-node",
        tries="A count of 0.5",
        code='pool("{name}", nodes=0.5)',
        rule=UNPRICED,
        says="must be a whole number of 0 or more, got 0.5",
    ),
    Trick(
        name="zero-with-a-maximum",
        tries="No node declared, a maximum of 60",
        code='pool("{name}", nodes=0, most=60)',
        counts=(Bought(kind=L4, nodes=0, most=60),),
    ),
    Trick(
        name="huge-maximum",
        tries="One node declared, a maximum of 5,000",
        code='pool("{name}", most=5000)',
        rule="largest-pool",
        says="the pool may reach 5,000 nodes; one pool may have 64",
        counts=(Bought(kind=L4, nodes=1, most=5000),),
    ),
    Trick(
        name="nodes-in-every-zone",
        tries="GKE's node count is per zone: 5 in three zones are 15",
        code='gke("{name}", dict(machineType="g2-standard-4"), nodeCount=5,'
        ' location="us-central1", nodeLocations=["us-central1-a", "us-central1-b", "us-central1-c"])',
        counts=(
            Bought(
                provider=GCP,
                region="us-central1",
                kind="g2-standard-4",
                nodes=15,
                most=15,
                gib=100,
            ),
        ),
    ),
    Trick(
        name="total-maximum",
        tries="GKE's `totalMaxNodeCount` beside a small count",
        code='gke("{name}", dict(machineType="g2-standard-8"), nodeCount=1,'
        " autoscaling=dict(totalMaxNodeCount=40))",
        counts=(
            Bought(
                provider=GCP, region="us-central1", kind="g2-standard-8", nodes=1, most=40, gib=100
            ),
        ),
    ),
    Trick(
        name="regional-without-zones",
        tries="A regional GKE pool that leaves the number of zones to Google",
        code='gke("{name}", dict(machineType="g2-standard-4"), nodeCount=5, location="us-central1")',
        rule=UNPRICED,
        says="nodeLocations is missing",
    ),
)

MACHINES = (
    Trick(
        name="dear-second-type",
        tries="A list of instance types: the cheap one first, an 8-GPU machine behind it",
        code='pool("{name}", most=3, instanceTypes=["g6.xlarge", "p5.48xlarge"])',
        counts=(Bought(kind=L4, nodes=1, most=3, dearest="p5.48xlarge"),),
    ),
    Trick(
        name="launch-template",
        tries="A launch template of elsewhere chooses the instance type",
        code='pool("{name}", launchTemplate=dict(name="other", version="1"))',
        rule=UNPRICED,
        says="launchTemplate.name other: none of that name is declared here",
    ),
    Trick(
        name="declared-template",
        tries="A launch template of the stack chooses an 8-GPU machine, and the pool names no type",
        code='pool("{name}", instanceTypes=[], options=dict(depends_on=[template]),'
        ' launchTemplate=dict(name="t", version="$Latest"))',
        counts=(Bought(kind="g6.48xlarge", nodes=1, most=1, gib=100),),
    ),
    Trick(
        name="old-version-of-a-template",
        tries="An older version of that template, which nobody sees any more",
        code='pool("{name}", instanceTypes=[], options=dict(depends_on=[template]),'
        ' launchTemplate=dict(name="t", version="1"))',
        rule=UNPRICED,
        says="launchTemplate.version 1 may be older",
    ),
    Trick(
        name="two-templates-of-a-name",
        tries="Two templates of one name, the small one declared first",
        code='twins = [launch("twin", size) for size in ("g6.xlarge", "p5.48xlarge")]\n'
        'pool("{name}", instanceTypes=[], options=dict(depends_on=twins),'
        ' launchTemplate=dict(name="twin", version="$Latest"))',
        rule=UNPRICED,
        says="several have that name here",
    ),
    Trick(
        name="unpriced-type",
        tries="An instance type that the price book lacks",
        code='pool("{name}", instanceTypes=["p9.metal-96xl"])',
        rule=UNPRICED,
        says="no on-demand price for aws p9.metal-96xl in us-east-1",
    ),
    Trick(
        name="wildcard-type",
        tries="A wildcard as instance type",
        code='pool("{name}", instanceTypes=["g6.*"])',
        rule=UNPRICED,
        says="no on-demand price for aws g6.* in us-east-1",
    ),
    Trick(
        name="type-in-capitals",
        tries="An instance type in capitals, so that no name matches",
        code='pool("{name}", instanceTypes=["G6.XLARGE"])',
        rule=UNPRICED,
        says="no on-demand price for aws G6.XLARGE",
    ),
    Trick(
        name="attached-gpu",
        tries="GPUs attached to a CPU machine (`guestAccelerators`)",
        code='gke("{name}", dict(machineType="n1-standard-8", guestAccelerators=['
        'dict(type="nvidia-tesla-t4", count=1)]), nodeCount=2)',
        counts=(
            Bought(
                provider=GCP,
                region="us-central1",
                kind="n1-standard-8+1xnvidia-tesla-t4",
                nodes=2,
                most=2,
                gib=100,
            ),
        ),
    ),
    Trick(
        name="odd-attached-gpu",
        tries="An attached GPU that the price book has no machine for",
        code='gke("{name}", dict(machineType="e2-standard-8", guestAccelerators=['
        'dict(type="nvidia-h100-80gb", count=8)]), nodeCount=1)',
        rule=UNPRICED,
        says="no on-demand price for gcp e2-standard-8+8xnvidia-h100-80gb",
    ),
    Trick(
        name="windows-nodes",
        tries="Windows nodes at the price of Linux: the licence costs extra",
        code='pool("{name}", amiType="WINDOWS_FULL_2022_x86_64")',
        rule=UNPRICED,
        says="amiType WINDOWS_FULL_2022_x86_64",
    ),
    Trick(
        name="windows-agents",
        tries="The same on AKS",
        code='aks("{name}", [dict(AGENTS, name="a", osType="Windows")])',
        rule=UNPRICED,
        says="osType Windows",
    ),
    Trick(
        name="windows-image",
        tries="The same on GKE",
        code='gke("{name}", dict(machineType="e2-standard-8", imageType="WINDOWS_LTSC_CONTAINERD"),'
        " nodeCount=1)",
        rule=UNPRICED,
        says="imageType WINDOWS_LTSC_CONTAINERD",
    ),
    Trick(
        name="dedicated-hardware",
        tries="Dedicated tenancy",
        code='Declare("aws:ec2/instance:Instance", "{name}", dict(instanceType="g6.xlarge",'
        ' tenancy="dedicated"))',
        rule=UNPRICED,
        says="only shared hardware (default) has a price rule",
    ),
    Trick(
        name="huge-disks",
        tries="Small machines with disks of 16 TB",
        code='pool("{name}", diskSize=16000, most=1)',
        counts=(Bought(kind=L4, nodes=1, most=1, gib=16000),),
    ),
    Trick(
        name="fast-disk",
        tries="A volume of a dearer kind",
        code='Declare("aws:ebs/volume:Volume", "{name}", dict(size=500, type="io2", iops=64000))',
        rule=UNPRICED,
        says="iops beyond 32000 have no price for disks of io2",
    ),
    Trick(
        name="provisioned-iops",
        tries="A cheap kind of volume with paid IOPS",
        code='Declare("aws:ebs/volume:Volume", "{name}", dict(size=500, type="gp3", iops=16000))',
        counts=(
            Thing(service="block_storage", count=500, hours=1),
            Thing(service="disk_iops_gp3", count=13000, hours=1),
        ),
    ),
    Trick(
        name="local-disks",
        tries="Local SSDs on GKE nodes",
        code='gke("{name}", dict(machineType="e2-standard-8", localSsdCount=8), nodeCount=1)',
        rule=UNPRICED,
        says="local SSDs have no price",
    ),
    Trick(
        name="many-small-things",
        tries="Many small things instead of a large one: 12 addresses",
        code="for n in range(12):\n"
        '    Declare("aws:ec2/eip:Eip", f"{{n}}-{name}" if n else "{name}", dict(domain="vpc"))',
        counts=(Thing(service="public_ipv4", count=12),),
    ),
    Trick(
        name="addresses-of-a-way-out",
        tries="AKS makes 100 public addresses for the way out",
        code='aks("{name}", networkProfile=dict(outboundType="loadBalancer", loadBalancerProfile='
        "dict(managedOutboundIPs=dict(count=100))))",
        rule=UNPRICED,
        says="networkProfile.loadBalancerProfile.managedOutboundIPs",
    ),
    Trick(
        name="address-for-each-node",
        tries="A public address for each AKS node",
        code='aks("{name}", [dict(AGENTS, name="a", enableNodePublicIP=True)])',
        rule=UNPRICED,
        says="enableNodePublicIP",
    ),
)

MARKETS = (
    Trick(
        name="spot-without-price",
        tries="Spot where no spot price is known",
        code='pool("{name}", capacityType="SPOT", region="eu-central-1")',
        rule=UNPRICED,
        says="no spot price for aws g6.xlarge in eu-central-1",
    ),
    Trick(
        name="spot-misspelt",
        tries="A market that is spelt so that it means something else",
        code='pool("{name}", capacityType="spot")',
        rule=UNPRICED,
        says="capacityType spot has no price rule",
    ),
    Trick(
        name="capacity-block",
        tries="A capacity block, paid in advance",
        code='Declare("aws:ec2/capacityBlockReservation:CapacityBlockReservation", "{name}",'
        ' dict(capacityBlockOfferingId="cb-1", instancePlatform="Linux/UNIX"))',
        rule=UNPRICED,
        says="a capacity block is paid in advance",
    ),
    Trick(
        name="idle-reservation",
        tries="Machines that are only reserved and run nothing",
        code='Declare("aws:ec2/capacityReservation:CapacityReservation", "{name}", dict('
        'instanceType="g6.xlarge", instanceCount=7, instancePlatform="Linux/UNIX",'
        ' availabilityZone="us-east-1a"))',
        counts=(Bought(kind=L4, nodes=7, most=7, gib=0),),
    ),
    Trick(
        name="shared-reservation",
        tries="A reservation of one node that pools of 16 nodes claim, so that they look paid for",
        code='pool("{name}", nodes=6, most=6, tags={{"outlay-reservation": "r"}})\n'
        'pool("{name}-too", nodes=10, most=10, tags={{"outlay-reservation": "r"}})\n'
        'Declare("aws:ec2/capacityReservation:CapacityReservation", "{name}-r", dict('
        'instanceType="g6.xlarge", instanceCount=1, instancePlatform="Linux/UNIX",'
        ' availabilityZone="us-east-1a", tags={{"outlay-reservation": "r"}}))',
        # The reserved one runs one of the 16.
        counts=(Bought(kind=L4, nodes=16, most=16),),
    ),
    Trick(
        name="flex-start",
        tries="GKE nodes by Flex-start",
        code='gke("{name}", dict(machineType="a3-highgpu-1g", flexStart=True), nodeCount=1)',
        rule=UNPRICED,
        says="Flex-start nodes have no price",
    ),
    Trick(
        name="region-without-price",
        tries="A region that the price book lacks",
        code='pool("{name}", region="il-central-1")',
        rule=UNPRICED,
        says="no on-demand price for aws g6.xlarge in il-central-1",
    ),
    Trick(
        name="second-provider",
        tries="A second provider instance in a dearer region",
        code='europe = pulumi.ProviderResource("aws", "europe", dict(region="eu-central-1"))\n'
        'pool("{name}", nodes=5, most=5, options=dict(provider=europe))',
        counts=(Bought(kind=L4, region="eu-central-1", nodes=5, most=5),),
    ),
    Trick(
        name="region-of-the-resource",
        tries="A region on the resource that overrules the provider's",
        code='pool("{name}", nodes=8, most=8, region="eu-central-1")',
        counts=(Bought(kind=L4, region="eu-central-1", nodes=8, most=8),),
    ),
    Trick(
        name="region-known-later",
        tries="A provider whose region only the update knows",
        code='somewhere = pulumi.ProviderResource("aws", "somewhere", dict(region=net.id))\n'
        'pool("{name}", options=dict(provider=somewhere))',
        rule=UNPRICED,
        says="no region",
    ),
)

AUTOMATIC = (
    Trick(
        name="eks-auto-mode",
        tries="EKS Auto Mode starts nodes by itself",
        code='Declare("aws:eks/cluster:Cluster", "{name}", dict(computeConfig=dict(enabled=True)))',
        rule=UNPRICED,
        says="Auto Mode starts nodes by itself",
    ),
    Trick(
        name="gke-autopilot",
        tries="GKE Autopilot charges by the pod",
        code='Declare("gcp:container/cluster:Cluster", "{name}", dict(enableAutopilot=True))',
        rule=UNPRICED,
        says="Autopilot charges by the pod",
    ),
    Trick(
        name="node-auto-provisioning",
        tries="GKE's node auto-provisioning makes pools of its own",
        code='Declare("gcp:container/cluster:Cluster", "{name}", dict(removeDefaultNodePool=True,'
        ' location="us-central1", clusterAutoscaling=dict(enabled=True)))',
        rule=UNPRICED,
        says="GKE would create node pools by itself",
    ),
    Trick(
        name="default-pool",
        tries="Nodes in GKE's default pool instead of a pool of their own",
        code='Declare("gcp:container/cluster:Cluster", "{name}", dict(initialNodeCount=50,'
        ' location="us-central1"))',
        rule=UNPRICED,
        says="the default pool's nodes have no price rule",
    ),
    Trick(
        name="aks-automatic",
        tries="AKS Automatic provisions nodes by itself",
        code='aks("{name}", sku=dict(name="Automatic", tier="Standard"))',
        rule=UNPRICED,
        says="sku.name Automatic",
    ),
    Trick(
        name="aks-node-provisioning",
        tries="AKS' node auto-provisioning",
        code='aks("{name}", nodeProvisioningProfile=dict(mode="Auto"))',
        rule=UNPRICED,
        says="nodeProvisioningProfile.mode Auto",
    ),
    Trick(
        name="pools-inside-a-cluster",
        tries="Agent pools written into the AKS cluster itself",
        code='aks("{name}", [dict(AGENTS, name="a", enableAutoScaling=True, minCount=0,'
        " maxCount=30)])",
        counts=(
            Bought(
                provider=AZURE,
                region="eastus",
                kind="Standard_NC4as_T4_v3",
                nodes=1,
                most=30,
                gib=0,
            ),
        ),
    ),
    Trick(
        name="fargate",
        tries="Pods on Fargate, without a node",
        code='Declare("aws:eks/fargateProfile:FargateProfile", "{name}", dict(clusterName="c"))',
        rule=UNPRICED,
        says="no price rule for aws:eks/fargateProfile:FargateProfile",
    ),
    Trick(
        name="mixed-instances",
        tries="An auto-scaling group with a mixed-instances policy",
        code='Declare("aws:autoscaling/group:Group", "{name}", dict(maxSize=100,'
        " minSize=0, mixedInstancesPolicy=dict(launchTemplate=dict())))",
        rule=UNPRICED,
        says="launchTemplateName is missing",
    ),
    Trick(
        name="scheduled-scaling",
        tries="A scheduled action raises the size at night",
        code='Declare("aws:autoscaling/schedule:Schedule", "{name}", dict(desiredCapacity=100,'
        ' autoscalingGroupName="eks-gpu", recurrence="0 22 * * *"))',
        rule=UNPRICED,
        says="no price rule for aws:autoscaling/schedule:Schedule",
    ),
    Trick(
        name="warm-pool",
        tries="A warm pool of stopped nodes",
        code='pool("{name}", warmPoolConfig=dict(enabled=True, minSize=50))',
        rule=UNPRICED,
        says="warm nodes have no price rule",
    ),
    Trick(
        name="fleet",
        tries="An EC2 fleet",
        code='Declare("aws:ec2/fleet:Fleet", "{name}", dict(targetCapacitySpecification=dict('
        'totalTargetCapacity=100, defaultTargetCapacityType="spot")))',
        rule=UNPRICED,
        says="no price rule for aws:ec2/fleet:Fleet",
    ),
    Trick(
        name="scale-set",
        tries="A scale set on Azure that leaves its machines' disks out of sight",
        code='Declare("azure-native:compute:VirtualMachineScaleSet", "{name}", dict('
        'location="eastus", sku=dict(name="Standard_NC4as_T4_v3", capacity=50)))',
        rule=UNPRICED,
        says="virtualMachineProfile.storageProfile.osDisk.managedDisk.storageAccountType is missing",
    ),
    Trick(
        name="scaler-of-a-scale-set",
        tries="An autoscaler beside a small scale set",
        code='Declare("azure-native:monitor:AutoscaleSetting", "{name}", dict(profiles=[dict('
        'capacity=dict(minimum="0", maximum="100", default="1"))]))',
        rule=UNPRICED,
        says="no price rule for azure-native:monitor:AutoscaleSetting",
    ),
    Trick(
        name="instance-group",
        tries="A managed instance group on GCP",
        code='Declare("gcp:compute/instanceGroupManager:InstanceGroupManager", "{name}",'
        ' dict(zone="us-central1-a", targetSize=50))',
        rule=UNPRICED,
        says="no price rule for gcp:compute/instanceGroupManager",
    ),
    Trick(
        name="template-of-another-tool",
        tries="A CloudFormation stack that buys the nodes",
        code='Declare("aws:cloudformation/stack:Stack", "{name}", dict(templateBody="{{}}"))',
        rule=UNPRICED,
        says="no price rule for aws:cloudformation/stack:Stack",
    ),
)

OBJECTS = (
    Trick(
        name="count-in-an-object",
        tries="The count lies in a CoreWeave NodePool, behind a cluster that is not there yet",
        code='kube("compute.coreweave.com/v1alpha1:NodePool", "{name}", spec=dict('
        'instanceType="gd-8xh100ib-i128", targetNodes=3))',
        counts=(
            Bought(
                provider=COREWEAVE,
                region="US-EAST-01A",
                kind="gd-8xh100ib-i128",
                nodes=3,
                most=3,
                gib=0,
            ),
        ),
    ),
    Trick(
        name="autoscaled-object",
        tries="A CoreWeave NodePool of no node that may grow to 20",
        code='kube("compute.coreweave.com/v1alpha1:NodePool", "{name}", spec=dict(targetNodes=0,'
        ' instanceType="gd-8xh100ib-i128", autoscaling=True, minNodes=0, maxNodes=20))',
        counts=(
            Bought(
                provider=COREWEAVE,
                region="US-EAST-01A",
                kind="gd-8xh100ib-i128",
                nodes=0,
                most=20,
                gib=0,
            ),
        ),
    ),
    Trick(
        name="racks-instead-of-nodes",
        tries="CoreWeave racks instead of nodes: one is 18",
        code='kube("compute.coreweave.com/v1alpha1:NodePool", "{name}", spec=dict(targetRacks=1,'
        ' instanceType="gb200-4x"))',
        counts=(
            Bought(
                provider=COREWEAVE, region="US-EAST-01A", kind="gb200-4x", nodes=18, most=18, gib=0
            ),
        ),
    ),
    Trick(
        name="patched-object",
        tries="A patch that only raises the count of an object made elsewhere",
        code='kube("compute.coreweave.com/v1alpha1:NodePoolPatch", "{name}",'
        " spec=dict(targetNodes=50))",
        rule=UNPRICED,
        says="spec.instanceType is missing",
    ),
    Trick(
        name="disguised-object",
        tries="A NodePool registered under the type of a ConfigMap",
        code='kube("core/v1:ConfigMap", "{name}", kind="NodePool",'
        ' apiVersion="compute.coreweave.com/v1alpha1", spec=dict(targetNodes=50))',
        rule=UNPRICED,
        says="kind NodePool differs from the type's, ConfigMap",
    ),
    Trick(
        name="karpenter",
        tries="A Karpenter NodePool declares no size: its limits allow 10 nodes",
        code='kube("karpenter.sh/v1:NodePool", "{name}", [node_class],'
        ' spec=karpenter({{"nvidia.com/gpu": "80"}}))',
        counts=(Bought(kind="p5.48xlarge", nodes=10, most=10),),
    ),
    Trick(
        name="karpenter-without-limits",
        tries="A Karpenter NodePool without limits",
        code='kube("karpenter.sh/v1:NodePool", "{name}", [node_class], spec=karpenter({{}}))',
        rule=UNPRICED,
        says="Karpenter would buy without end",
    ),
    Trick(
        name="crossplane",
        tries="A Crossplane object that buys in the cloud",
        code='kube("eks.aws.upbound.io/v1beta1:NodeGroup", "{name}", spec=dict(forProvider={{}}))',
        rule=UNPRICED,
        says="no price rule for kubernetes:eks.aws.upbound.io",
    ),
    Trick(
        name="cluster-api",
        tries="Cluster API machines",
        code='kube("cluster.x-k8s.io/v1beta1:MachineDeployment", "{name}", spec=dict(replicas=50))',
        rule=UNPRICED,
        says="no price rule for kubernetes:cluster.x-k8s.io",
    ),
    Trick(
        name="kops",
        tries="An operator whose group ends like Kubernetes' own (`kops.k8s.io`)",
        code='kube("kops.k8s.io/v1alpha2:InstanceGroup", "{name}", spec=dict(maxSize=50))',
        rule=UNPRICED,
        says="no price rule for kubernetes:kops.k8s.io",
    ),
    Trick(
        name="helm-release",
        tries="A Helm release: its objects are seen by Helm alone",
        code='kube("helm.sh/v3:Release", "{name}", chart="karpenter")',
        rule=UNPRICED,
        says="no price rule for kubernetes:helm.sh/v3:Release",
    ),
    Trick(
        name="config-file",
        tries="A ConfigFile or chart on a cluster that is not there yet: it registers no object",
        code='pulumi.ComponentResource("kubernetes:yaml/v2:ConfigFile", "{name}")',
        rule="no-hidden-objects",
        says="shows none of its objects",
    ),
    Trick(
        name="list-of-objects",
        tries="Objects inside a list",
        code='kube("core/v1:ConfigMapList", "{name}", items=[dict(kind="NodePool")])',
        rule=UNPRICED,
        says="a list of objects has no price rule",
    ),
    Trick(
        name="load-balancer-service",
        tries="A Service orders a load balancer",
        code='kube("core/v1:Service", "{name}", spec=dict(type="LoadBalancer"))',
        rule=UNPRICED,
        says="spec.type LoadBalancer",
    ),
    Trick(
        name="service-known-later",
        tries="A Service whose type only the update knows",
        code='kube("core/v1:Service", "{name}", spec=dict(type=net.id))',
        rule=UNPRICED,
        says="spec.type is not known before the update",
    ),
    Trick(
        name="volume-claim",
        tries="A claim orders a disk of 64 TB",
        code='kube("core/v1:PersistentVolumeClaim", "{name}", spec=dict(resources=dict('
        'requests=dict(storage="64Ti"))))',
        rule=UNPRICED,
        says="the price of a volume depends on its storage class",
    ),
    Trick(
        name="claims-of-a-set",
        tries="A StatefulSet orders a disk for each pod",
        code='kube("apps/v1:StatefulSet", "{name}", spec=dict(pod(), volumeClaimTemplates=[dict()]))',
        rule=UNPRICED,
        says="a disk for each pod has no price rule",
    ),
    Trick(
        name="ephemeral-volume",
        tries="A Deployment's pods order a disk each, as an ephemeral volume",
        code='kube("apps/v1:Deployment", "{name}", spec=dict(pod(volumes=[dict(name="v",'
        " ephemeral=dict(volumeClaimTemplate=dict(spec=dict())))]), replicas=50))",
        rule=UNPRICED,
        says="volumeClaimTemplate: a disk for each pod has no price rule",
    ),
    Trick(
        name="claim-of-an-operator",
        tries="An operator's object orders disks (Prometheus storage)",
        code='kube("monitoring.coreos.com/v1:Prometheus", "{name}", spec=dict(storage=dict('
        "volumeClaimTemplate=dict(spec=dict()))))",
        rule=UNPRICED,
        says="volumeClaimTemplate: a disk for each pod has no price rule",
    ),
)

ENGINE = (
    Trick(
        name="inside-components",
        tries="A pool deep inside components",
        code='inner = pulumi.ComponentResource("any:index:Inner", "inner", opts=ResourceOptions('
        'parent=pulumi.ComponentResource("any:index:Outer", "outer")))\n'
        'pool("{name}", nodes=9, most=9, options=dict(parent=inner))',
        counts=(Bought(kind=L4, nodes=9, most=9),),
    ),
    Trick(
        name="component-with-a-free-name",
        tries="A custom resource under the name of our own components",
        code='Declare("outlay:gpus:Pool", "{name}", dict(nodes=50))',
        rule=UNPRICED,
        says="no price rule for outlay:gpus:Pool",
    ),
    Trick(
        name="known-apply",
        tries="A pool that is declared inside an apply",
        code='Output.from_input(11).apply(lambda n: pool("{name}", nodes=n, most=n))',
        counts=(Bought(kind=L4, nodes=11, most=11),),
    ),
    Trick(
        name="transformed",
        tries="A transformation that raises the count after the constructor",
        code="def more(args):\n"
        '    args.props["scalingConfig"] = dict(minSize=0, desiredSize=12, maxSize=12)\n'
        "    return pulumi.ResourceTransformationResult(args.props, args.opts)\n"
        'pool("{name}", options=dict(transformations=[more]))',
        counts=(Bought(kind=L4, nodes=12, most=12),),
    ),
    Trick(
        name="ignored-on-creation",
        tries="`ignore_changes` on the count from the first day on",
        code='pool("{name}", nodes=13, most=13, options=dict(ignore_changes=["scalingConfig"]))',
        counts=(Bought(kind=L4, nodes=13, most=13),),
    ),
    Trick(
        name="retained",
        tries="`retain_on_delete`, so that it outlives the stack",
        code='pool("{name}", nodes=14, most=14, options=dict(retain_on_delete=True))',
        counts=(Bought(kind=L4, nodes=14, most=14),),
    ),
    Trick(
        name="protected",
        tries="`protect`, so that it cannot be deleted for the budget",
        code='pool("{name}", nodes=15, most=15, options=dict(protect=True))',
        counts=(Bought(kind=L4, nodes=15, most=15),),
    ),
    Trick(
        name="renamed",
        tries="A new name with an alias of the old one",
        code='pool("{name}", nodes=17, most=17, options=dict(aliases=[pulumi.Alias(name="old")]))',
        counts=(Bought(kind=L4, nodes=17, most=17),),
    ),
    Trick(
        name="dynamic-provider",
        tries="A dynamic provider, whose code does anything",
        code='Mine(Nothing(), "{name}", dict(nodes=50))',
        rule=UNPRICED,
        says="no price rule for pulumi-python:dynamic/mine:Pool",
    ),
    Trick(
        name="dynamic-instances",
        tries="An instance of a cloud without a provider (Lambda), by a dynamic one",
        code='Instance(Nothing(), "{name}", dict(instance_type_name="gpu_8x_h100_sxm5"))',
        counts=(
            Bought(
                provider=LAMBDA, region="global", kind="gpu_8x_h100_sxm5", nodes=1, most=1, gib=0
            ),
        ),
    ),
    Trick(
        name="shell-command",
        tries="A shell command that buys",
        code='Declare("command:local:Command", "{name}", dict(create="aws ec2 run-instances"))',
        rule=UNPRICED,
        says="no price rule for command:local:Command",
    ),
    Trick(
        name="unknown-package",
        tries="A provider that nobody priced",
        code='Declare("nebula:index:GpuCluster", "{name}", dict(gpus=64))',
        rule=UNPRICED,
        says="no price rule for nebula:index:GpuCluster",
    ),
)

TRICKS = (*COUNTS, *MACHINES, *MARKETS, *AUTOMATIC, *OBJECTS, *ENGINE)
# Every package that the program names.
PACKAGES = (
    "aws",
    "azure-native",
    "command",
    "gcp",
    "kubernetes",
    "nebula",
    "outlay",
)


def program() -> str:
    """Return the program that tries all of them."""
    return PROLOGUE + "\n".join(trick.code.format(name=trick.name) for trick in TRICKS) + "\n"
