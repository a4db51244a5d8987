"""Industries of the district: GB/T 4754 code, name, trade word, IPC subclasses and how research-heavy each is."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Industry:
    """One industry: `weight` is its share of the draw, `rd_intensity` the median R&D expense over revenue."""

    code: str
    name: str
    trade: str
    ipc_subclasses: tuple[str, ...]
    weight: int
    rd_intensity: float


INDUSTRIES: Final = (
    Industry("C39", "计算机、通信和其他电子设备制造业", "电子", ("H01L", "H04W", "H05K", "G06F", "G02F"), 22, 0.06),
    Industry("C38", "电气机械和器材制造业", "新能源", ("H01M", "H02J", "H02K", "H01R"), 11, 0.05),
    Industry("C35", "专用设备制造业", "智能装备", ("B23K", "A61B", "B29C", "B65G"), 9, 0.06),
    Industry("C34", "通用设备制造业", "精密机械", ("F16H", "B25J", "B23Q"), 6, 0.04),
    Industry("C36", "汽车制造业", "汽车部件", ("B60L", "B60W", "B60R"), 4, 0.04),
    Industry("C40", "仪器仪表制造业", "仪器", ("G01N", "G01R", "G01B"), 4, 0.08),
    Industry("C26", "化学原料和化学制品制造业", "新材料", ("C08L", "C09D", "C09J"), 4, 0.04),
    Industry("C27", "医药制造业", "生物医药", ("A61K", "C07D", "C12N"), 3, 0.12),
    Industry("C29", "橡胶和塑料制品业", "塑胶", ("B29C", "C08J", "B32B"), 4, 0.03),
    Industry("C30", "非金属矿物制品业", "玻璃", ("C03C", "C04B"), 2, 0.03),
    Industry("C33", "金属制品业", "五金", ("B21D", "C22C", "B22D"), 4, 0.03),
    Industry("C14", "食品制造业", "食品", ("A23L", "A23P"), 1, 0.02),
    Industry("C21", "家具制造业", "家居", ("A47B", "A47C"), 1, 0.02),
    Industry("I65", "软件和信息技术服务业", "软件", ("G06F", "G06N", "G06Q", "G06T", "H04L"), 16, 0.14),
    Industry("I64", "互联网和相关服务", "网络", ("H04L", "G06Q"), 4, 0.10),
    Industry("M73", "研究和试验发展", "研发", ("G01N", "C12N", "H01L", "H01M"), 5, 0.25),
    Industry("M74", "专业技术服务业", "检测技术", ("G01B", "G01M", "G01R"), 3, 0.07),
    Industry("M75", "科技推广和应用服务业", "科创", ("G06Q", "A01G", "C02F"), 3, 0.06),
    Industry("D44", "电力、热力生产和供应业", "光伏", ("H02J", "H02S", "F03D"), 1, 0.02),
    Industry("E48", "土木工程建筑业", "工程", ("E02D", "E04B"), 1, 0.02),
    Industry("F51", "批发业", "贸易", ("G06Q",), 1, 0.01),
    Industry("G59", "装卸搬运和仓储业", "物流", ("B65G", "G06Q"), 1, 0.02),
    Industry("N77", "生态保护和环境治理业", "环保", ("C02F", "B01D", "B09B"), 2, 0.05),
    Industry("L72", "商务服务业", "咨询", ("G06Q",), 1, 0.02),
    Industry("A01", "农业", "农业", ("A01G", "A01H"), 1, 0.03),
)
WEIGHTS: Final = tuple(industry.weight for industry in INDUSTRIES)
