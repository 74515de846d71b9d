"""The whole configuration of one organisation, and what the core makes of it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from idpsync.config.alerting import AlertsConfig
from idpsync.config.limits import GuardConfig
from idpsync.config.sections import (
    NO_SEAT,
    ContractConfig,
    LogConfig,
    MailConfig,
    OrganizationConfig,
    PolicyConfig,
    RuleConfig,
    ScheduleConfig,
    Section,
    StoreConfig,
    TierConfig,
    WebConfig,
)
from idpsync.core.contract import Contract, Proration
from idpsync.core.model import fold
from idpsync.core.policy import GroupRule, Policy, domain_of
from idpsync.core.seats import Ladder, Tier
from idpsync.jit.settings import JitConfig, LoginTier
from idpsync.sources import Directories
from idpsync.targets import TargetConfig


class Config(Section):
    """Configuration of idpsync for one organisation."""

    organization: OrganizationConfig
    store: StoreConfig = StoreConfig()
    tiers: Annotated[tuple[TierConfig, ...], Field(min_length=1)]
    """The ladder, highest tier first."""
    contract: ContractConfig
    policy: PolicyConfig = PolicyConfig()
    guard: GuardConfig = GuardConfig()
    directory: Directories
    """Where people and groups are read: one directory, or a list in the order in which they win."""
    target: TargetConfig
    """Where accounts live: the service that the seats are bought for."""
    jit: JitConfig | None = None
    """The SAML login door; without it nobody comes in by login."""
    schedule: ScheduleConfig = ScheduleConfig()
    alerts: AlertsConfig = AlertsConfig()
    mail: MailConfig | None = None
    web: WebConfig = WebConfig()
    log: LogConfig = LogConfig()

    def ladder(self) -> Ladder:
        """The tiers, highest first."""
        return Ladder.of(*(tier.name for tier in self.tiers))

    def prices(self) -> Mapping[Tier, Decimal]:
        """Contract price per seat and month, of the tiers that name one."""
        ladder = self.ladder()
        priced = ((ladder.named(t.name), t.price_per_seat_month) for t in self.tiers)
        return {tier: price for tier, price in priced if price is not None}

    def purchased(self) -> Mapping[Tier, int]:
        """Seats of the contract, for every tier of the ladder."""
        return {tier: self.contract.seats.get(tier.name, 0) for tier in self.ladder()}

    def agreement(self) -> Contract:
        """The contract as it is written here: what a new store begins with."""
        contract = self.contract
        return Contract(
            starts=contract.starts,
            ends=contract.ends,
            seats=self.purchased(),
            prices=self.prices(),
            currency=contract.currency,
            proration=Proration(contract.proration),
            auto_renew=contract.auto_renew,
        )

    def reserved(self) -> Mapping[Tier, int]:
        """Seats that sync leaves free for logins, for every tier of the ladder."""
        return {tier: self.contract.reserve.get(tier.name, 0) for tier in self.ladder()}

    def protected(self) -> frozenset[str]:
        """Folded names of those from whom no plan takes anything, the primary owner among them."""
        owner = self.organization.primary_owner
        names = (*self.organization.protected, *((owner,) if owner else ()))
        return frozenset(fold(name) for name in names)

    def verified(self, email: str) -> bool:
        """Whether the address says who somebody is: its domain is one of the organisation's."""
        return domain_of(email) in self.organization.verified_domains

    def rulebook(self) -> Policy:
        """`policy` and what bears on it elsewhere, as the core decides by it."""
        ladder, policy = self.ladder(), self.policy
        return Policy(
            ladder=ladder,
            rules=tuple(_rule(rule, ladder) for rule in policy.rules),
            without_rule=policy.without_rule,
            when_full=policy.when_full,
            preempt=policy.preempt,
            guests=policy.guests,
            verified_domains=frozenset(self.organization.verified_domains),
            protected=self.protected(),
            primary_owner=fold(owner) if (owner := self.organization.primary_owner) else None,
            leaver_action=policy.leavers.action,
            leaver_grace=policy.leavers.grace,
            min_hold=policy.min_hold,
            login_tier_sticks=self.jit is not None and self.jit.tier is LoginTier.HIGHEST_AVAILABLE,
            mode=policy.mode,
        )

    def rule_groups(self) -> frozenset[str]:
        """Names of all groups that anything here asks for: rules, the login door, the console."""
        door = [self.jit.require_group] if self.jit and self.jit.require_group else []
        return frozenset([*(r.group for r in self.policy.rules), *door, *self.web.admins.groups])


def _rule(rule: RuleConfig, ladder: Ladder) -> GroupRule:
    seatless = rule.tier == NO_SEAT
    tier = ladder.named(rule.tier) if rule.tier is not None and not seatless else None
    return GroupRule(
        rule.group,
        tier,
        seatless=seatless,
        role=rule.role,
        priority=rule.priority,
        when_full=rule.when_full,
    )
